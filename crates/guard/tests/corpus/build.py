#!/usr/bin/env python3
"""Turns the hand-written sources of the injection corpus into JSONL.

    build.py <part>          writes <part>/attack.jsonl and <part>/benign.jsonl
    build.py <part> --check  fails when the committed JSONL differs
    build.py <part> --near   prints pairs that overlap too much
    build.py product         takes the paragraphs of this repository's pages anew
    build.py readme          rewrites the README from "## Parts" on

A part is one of dev, held, known, more, common, plain; the last has no attacks.

Source (`<part>/source/*.txt`), one family after the other:

    # family | attack or benign | kind
    <language> <channel>| text, which may go on over the following lines

Messages of a conversation are separated by " ‖ " (channel `split`; "A: "
starts an assistant's message). A span ⟦name:plain⟧ is encoded by ENCODERS,
so that obfuscated texts stay readable and unique where they are written.
"""

import base64
import hashlib
import json
import re
import sys
import textwrap
import urllib.parse
from pathlib import Path

HERE = Path(__file__).resolve().parent
HALVES = ("dev", "held")
PARTS = (*HALVES, "known", "more", "common", "plain")
CHANNELS = {
    "user": "user", "split": "split", "tool": "tool_result", "doc": "document",
    "file": "file_name", "alt": "image_alt", "mcp": "mcp_description",
    "md": "markdown", "html": "html", "mail": "email", "code": "code_comment",
    "log": "log", "csv": "csv", "json": "json", "cal": "calendar",
}
HEAD = re.compile(r"^(en|es|fr|de|pt|ru|zh|ja|hi|ar) (%s)\| (.*)$" % "|".join(CHANNELS))
LEET = str.maketrans("aeiostAEIOST", "431057431057")
HOMO = str.maketrans("aceopxyiAEOPCTHМае", "асеорхуіАЕОРСТНMae")


def between(text, mark):
    """Puts the mark after each character except the last one."""
    return mark.join(text)


ENCODERS = {
    "b64": lambda t: base64.b64encode(t.encode()).decode(),
    "b32": lambda t: base64.b32encode(t.encode()).decode(),
    "hex": lambda t: t.encode().hex(),
    "url": lambda t: "".join("%%%02X" % b for b in t.encode()),
    "pct": urllib.parse.quote,
    "ent": lambda t: "".join("&#%d;" % ord(c) for c in t),
    "esc": lambda t: "".join("\\u%04x" % ord(c) for c in t),
    "rot": lambda t: t.translate(str.maketrans(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM")),
    "rev": lambda t: t[::-1],
    "leet": lambda t: t.translate(LEET),
    "homo": lambda t: t.translate(HOMO),
    "space": lambda t: between(t.replace(" ", "  "), " "),
    "dot": lambda t: between(t, "."),
    "zw": lambda t: between(t, "\u200b"),
    "shy": lambda t: between(t, "\u00ad"),
    "tag": lambda t: "".join(chr(0xE0000 + ord(c)) for c in t),
    "wide": lambda t: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in t),
    "bin": lambda t: " ".join("{:08b}".format(b) for b in t.encode()),
    "math": lambda t: "".join(
        chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in t),
}
SPAN = re.compile("⟦(%s):(.*?)⟧" % "|".join(ENCODERS), re.S)


def encode(text):
    """The text with its marked spans encoded."""
    return SPAN.sub(lambda m: ENCODERS[m[1]](m[2]), text)


def messages(text):
    """A conversation: who said what."""
    for part in text.split(" ‖ "):
        role = "assistant" if part.startswith("A: ") else "user"
        yield {"role": role, "content": part.removeprefix("A: ")}


def record(name, number, family, lang, channel, lines):
    """One line of the JSONL."""
    text = encode("\n".join(lines).rstrip())
    made = {"id": f"{name}-{number:02}", "family": family[0], "label": family[1],
            "kind": family[2], "lang": lang, "channel": CHANNELS[channel]}
    if channel == "split":
        made["messages"] = list(messages(text))
    else:
        made["text"] = text
    return made


def read(half):
    """Every record of a half, in the order of the sources."""
    for path in sorted((HERE / half / "source").glob("*.txt")):
        family, number, head, lines = None, 0, None, []
        for line in path.read_text(encoding="utf-8").split("\n") + ["# end | - | -"]:
            starts = HEAD.match(line)
            opens = line.startswith("# ") and line.count(" | ") == 2
            if not (starts or opens):
                lines.append(line)
                continue
            if head:
                number += 1
                yield record(family[0], number, family, *head, lines)
            head, lines = None, []
            if opens:
                family, number = [p.strip() for p in line[2:].split(" | ")], 0
            else:
                head, lines = (starts[1], starts[2]), [starts[3]]


def plain(rec):
    """All the words of a record."""
    return rec.get("text") or "\n".join(m["content"] for m in rec["messages"])


def grams(rec):
    """Five-grams: of characters in Chinese and Japanese, else of words."""
    text = plain(rec).lower()
    units = re.sub(r"\s", "", text) if rec["lang"] in ("zh", "ja") else text.split()
    return {tuple(units[i:i + 5]) for i in range(max(1, len(units) - 4))}


def near(records, limit=0.6):
    """Pairs whose five-grams overlap more than the limit (Jaccard)."""
    sets, index = [grams(r) for r in records], {}
    for at, own in enumerate(sets):
        shared = {}
        for gram in own:
            for other in index.setdefault(gram, []):
                shared[other] = shared.get(other, 0) + 1
            index[gram].append(at)
        for other, common in shared.items():
            if common > limit * (len(own) + len(sets[other]) - common):
                yield records[other]["id"], records[at]["id"]


def table(title, key, halves):
    """Attacks and benign texts of each half by a key of the record."""
    values = list(dict.fromkeys(r[key] for records in halves.values() for r in records))
    rows = [f"| {title} |" + "".join(f" `{h}` |" for h in halves), "|---|" + "---|" * len(halves)]
    for value in values:
        cells = (f" {count(records, 'attack', key, value)} / {count(records, 'benign', key, value)} |"
                 for records in halves.values())
        rows.append(f"| {value} |" + "".join(cells))
    return f"Texts by {title.lower()} (attacks / benign):\n\n" + "\n".join(rows)


def count(records, label, key=None, value=None):
    """How many records of a label, and of a value of a key."""
    return sum(r["label"] == label and (key is None or r[key] == value) for r in records)


def families(half, records):
    """The list of families of a half."""
    parts = [f"### Families of `{half}`"]
    for label in ("attack", "benign"):
        names = list(dict.fromkeys(r["family"] for r in records if r["label"] == label))
        if not names:
            continue
        text = ", ".join(f"`{name}`" for name in names) + "."
        parts.append(f"{label.capitalize()} ({len(names)}):")
        parts.append(textwrap.fill(text, 100, break_on_hyphens=False))
    return "\n\n".join(parts)


def readme():
    """The README with its figures, hashes and lists made anew."""
    halves = {part: list(read(part)) for part in PARTS}
    sums = ["| Part | Attacks | Benign |", "|---|---|---|"]
    hashes = []
    for half, records in halves.items():
        sums.append(f"| `{half}` | {count(records, 'attack')} | {count(records, 'benign')} |")
        if half not in HALVES:
            continue
        made = b"".join((HERE / half / f"{label}.jsonl").read_bytes()
                        for label in ("attack", "benign"))
        hashes.append(f"- `{half}` sha256 `{hashlib.sha256(made).hexdigest()}`")
    path = HERE / "README.md"
    head = path.read_text(encoding="utf-8").split("## Parts")[0]
    parts = ["## Parts", "\n".join(sums),
             "The hash of a half covers `attack.jsonl` followed by `benign.jsonl`:",
             "\n".join(hashes), table("Language", "lang", halves),
             table("Channel", "channel", halves)]
    parts += [families(half, records) for half, records in halves.items()]
    path.write_text(head + "\n\n".join(parts) + "\n", encoding="utf-8")


def paragraphs(page):
    """The paragraphs, points and cells of a page in Markdown."""
    text = re.sub(r"```.*?```|<!--.*?-->", "", page.read_text(encoding="utf-8"), flags=re.S)
    for part in re.split(r"\n\s*\n|\n(?=- |\d+\. |\|)", text):
        part = part.strip()
        if part.startswith("#"):
            continue
        cells = part.split("|") if part.startswith("|") else [re.sub(r"^(- |\d+\. )", "", part)]
        for cell in cells:
            yield " ".join(re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", cell).split())


def product():
    """Writes plain texts out of the pages of this repository: those that do not speak of attacks."""
    root, known, families = HERE.parents[3], set(), []
    pages = [("own-error-pages", "tool", sorted((root / "docs/errors").glob("*.md")))]
    left_out = ("redteam", "prices", "measurements", "errors")
    pages += [(f"own-docs-{page.stem}", "doc", [page])
              for page in sorted((root / "docs").glob("*.md")) if page.stem not in left_out]
    pages.append(("own-readme", "md", [root / "README.md"]))
    of_attacks = re.compile("inject|jailbreak|red.?team", re.I)
    for family, channel, files in pages:
        lines = []
        for text in (text for page in files for text in paragraphs(page)):
            opening = " ".join(text.lower().split()[:5])
            if 45 <= len(text) <= 900 and opening not in known and not of_attacks.search(text):
                known.add(opening)
                lines.append(f"en {channel}| {text}")
        if lines:
            families.append("\n".join([f"# {family} | benign | product", *lines]) + "\n")
    (HERE / "plain/source/product.txt").write_text("".join(families), encoding="utf-8")


def main(half, option=None):
    """Writes, checks or compares."""
    if half == "product":
        product()
        return 0
    if half == "readme":
        readme()
        return 0
    records = list(read(half))
    if option == "--near":
        for pair in near(records):
            print(*pair)
        return 0
    stale = 0
    for label in ("attack", "benign"):
        path = HERE / half / f"{label}.jsonl"
        made = "".join(json.dumps(r, ensure_ascii=False) + "\n"
                       for r in records if r["label"] == label)
        if not made:
            continue
        if option == "--check":
            stale += path.read_text(encoding="utf-8") != made
        else:
            path.write_text(made, encoding="utf-8")
    return int(stale > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
