/* A small command line as C programmers write them: the floor for start-up. */
#include <getopt.h>
#include <stdio.h>

int main(int argc, char **argv) {
    static const struct option options[] = {
        {"help", no_argument, 0, 'h'},
        {"verbose", no_argument, 0, 'v'},
        {"output", required_argument, 0, 'o'},
        {0, 0, 0, 0},
    };
    const char *output = "-";
    int verbose = 0, option;
    while ((option = getopt_long(argc, argv, "hvo:", options, 0)) != -1) {
        switch (option) {
        case 'h':
            puts("Usage: start [OPTIONS] [FILE]...\n");
            puts("Copies files to the output.\n");
            puts("Options:");
            puts("  -o, --output FILE  where to write (default: standard output)");
            puts("  -v, --verbose      say what is done");
            puts("  -h, --help         print this");
            return 0;
        case 'v':
            verbose = 1;
            break;
        case 'o':
            output = optarg;
            break;
        default:
            return 2;
        }
    }
    if (verbose) {
        fprintf(stderr, "writing to %s\n", output);
    }
    return 0;
}
