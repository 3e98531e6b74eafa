// Stands in front of several workers as one address, as a balancer or a service of a cluster does: each
// stream of HTTP/2 without TLS goes to the next worker that answers. For scripts/two-workers.
//
//   node scripts/balance.mjs PORT WORKER_PORT WORKER_PORT...
import { connect, constants, createServer } from 'node:http2';

const [port, ...workers] = process.argv.slice(2).map(Number);
const sessions = new Map();
let turn = 0;

// A connection to a worker, or a failure where nobody listens.
function session(worker) {
    const known = sessions.get(worker);
    if (known && !known.closed && !known.destroyed) return Promise.resolve(known);
    return new Promise((found, gone) => {
        const made = connect(`http://127.0.0.1:${worker}`, () => found(made));
        made.on('error', gone);
        made.on('close', () => sessions.delete(worker));
        sessions.set(worker, made);
    });
}

async function next() {
    for (const _ of workers) {
        const made = await session(workers[turn++ % workers.length]).catch(() => null);
        if (made) return made;
    }
    throw new Error('no worker answers');
}

const server = createServer();
server.on('sessionError', () => {});
server.on('stream', async (caller, headers) => {
    const broken = () => caller.close(constants.NGHTTP2_INTERNAL_ERROR);
    caller.on('error', () => {});
    try {
        const worker = (await next()).request(headers, { endStream: false });
        // A worker that is killed must look killed: a stream that only ends would look finished.
        worker.on('error', broken);
        worker.on('close', () => worker.rstCode && broken());
        caller.on('close', () => caller.rstCode && worker.close(constants.NGHTTP2_CANCEL));
        worker.on('response', (answered) => caller.destroyed || caller.respond(answered));
        worker.pipe(caller);
        caller.pipe(worker);
    } catch {
        broken();
    }
});
server.listen(port, '127.0.0.1', () => console.log('ready'));
