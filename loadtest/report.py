#!/usr/bin/env python3
"""Arithmetic and tables for the measuring scripts: medians, ratios, and whether a promise was kept.

Standard library only. Times in the CSV are microseconds, memory KiB; units stand in every heading printed.
"""

import argparse
import csv
import json
import statistics
import sys
from dataclasses import dataclass

MISSED = 3  # exit code of --strict, and of a missed bar


# --- the figures of one server in one round ---


def figures(row):
    requests = float(row["requests"])
    return {
        "rps": requests * 1e6 / float(row["duration_us"]),
        "cpu": float(row["cpu_us"]) / requests,
        "p50": float(row["p50_us"]) / 1e3,
        "p99": float(row["p99_us"]) / 1e3,
        "p999": float(row["p999_us"]) / 1e3,
        "rss": float(row["rss_kib"]) / 1024,
        "peak": float(row["peak_kib"]) / 1024,
        "ready": float(row["ready_us"]) / 1e3,
    }


def read_rounds(path):
    """{server: {round: figures}}, servers in the order of their first round."""
    rounds = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            rounds.setdefault(row["server"], {})[int(row["round"])] = figures(row)
    return rounds


# --- the table ---

COLUMNS = [
    ("requests/s", "rps", "{:,.0f}"),
    ("CPU/request, µs", "cpu", "{:.1f}"),
    ("p50, ms", "p50", "{:.2f}"),
    ("p99, ms", "p99", "{:.2f}"),
    ("p99.9, ms", "p999", "{:.2f}"),
    ("RSS, MiB", "rss", "{:.0f}"),
    ("peak RSS, MiB", "peak", "{:.0f}"),
]
START_COLUMNS = ["first start, ms", "later starts, ms"]


def table(rounds):
    headings = ["server"] + [heading for heading, _, _ in COLUMNS] + START_COLUMNS
    lines = [line(headings), line(["---"] + ["---:"] * (len(headings) - 1))]
    return lines + [line([name, *cells(of)]) for name, of in rounds.items()]


def line(values):
    return "| " + " | ".join(values) + " |"


def cells(of):
    measured = [
        form.format(statistics.median(round[key] for round in of.values())) for _, key, form in COLUMNS
    ]
    first, *later = (of[number]["ready"] for number in sorted(of))
    return measured + [f"{first:,.0f}", f"{statistics.median(later):,.0f}" if later else "–"]


# --- the promises ---


@dataclass(frozen=True)
class Promise:
    """`server`'s figure over `peer`'s, both of the same round, against a bar."""

    server: str
    figure: str  # "cpu": at most the bar; "rps": at least the bar
    peer: str
    bar: float | None  # None: shown, and nothing promised

    def ratios(self, rounds):
        ours, theirs = rounds.get(self.server, {}), rounds.get(self.peer, {})
        return [ours[n][self.figure] / theirs[n][self.figure] for n in ours if n in theirs]

    def kept(self, ratio):
        return ratio <= self.bar if self.figure == "cpu" else ratio >= self.bar

    def verdict(self, rounds):
        ratios = self.ratios(rounds)
        if not ratios:
            return "–", "–", "not measured"
        ratio = statistics.median(ratios)
        spread = f"{min(ratios):.2f} – {max(ratios):.2f}"
        if self.bar is None:
            return f"{ratio:.2f}", spread, "–"
        return f"{ratio:.2f}", spread, "pass" if self.kept(ratio) else "MISS"

    def told(self):
        what, sign = ("CPU/request", "≤") if self.figure == "cpu" else ("requests/s", "≥")
        bar = "–" if self.bar is None else f"{sign} {self.bar:g} ×"
        return [self.server, what, self.peer, bar]


COMPARE = [
    Promise("airgate-fresh", "cpu", "bare-hyper", 5),
    Promise("airgate-fresh", "rps", "wasmtime-fresh", 5),
    Promise("airgate-fresh", "rps", "airgate-reused", 0.5),
    Promise("airgate-reused", "cpu", "bare-hyper", 2.2),
    Promise("airgate-reused", "rps", "wasmtime-reused", 1.5),
    Promise("airgate-p3", "cpu", "bare-hyper", 5),
    Promise("airgate-p3", "rps", "wasmtime-p3", 1.2),
    Promise("airgate-js", "rps", "wasmtime-js", 2.5),
]
OUTBOUND = [
    Promise("airgate-fresh", "rps", "wasmtime-fresh", 5),
    Promise("airgate-fresh", "cpu", "wasmtime-fresh", None),
    Promise("airgate-reused", "rps", "wasmtime-reused", None),
    Promise("airgate-reused", "cpu", "wasmtime-reused", None),
    Promise("airgate-fresh", "cpu", "origin", None),
]
PROMISES = {"compare": COMPARE, "outbound": OUTBOUND}


def promises(of, rounds):
    """The table's lines, and whether every promise was measured and kept."""
    lines = [
        line(["server", "figure", "against", "promised", "median ratio", "least – most", "result"]),
        line(["---", "---", "---", "---", "---:", "---:", "---"]),
    ]
    results = [(promise, promise.verdict(rounds)) for promise in of]
    lines += [line([*promise.told(), *verdict]) for promise, verdict in results]
    promised = [verdict[-1] for promise, verdict in results if promise.bar is not None]
    return lines, all(result == "pass" for result in promised)


# --- the verbs ---


def compare(args):
    rounds = read_rounds(args.csv)
    with open(args.facts) as file:
        facts = [f"* {fact.strip()}" for fact in file]
    promised, all_kept = promises(PROMISES[args.comparison], rounds)
    text = "\n".join(
        [f"# Side by side: {args.comparison}", "", *facts, "", "Medians over the rounds.", "", *table(rounds), ""]
        + ["Ratios are taken round by round, then their median.", "", *promised, ""]
    )
    with open(args.out, "w") as file:
        file.write(text)
    print(text)
    return MISSED if args.strict and not all_kept else 0


def row(args):
    """One line for the terminal while the comparison runs."""
    of = figures(dict(zip(args.columns.split(","), args.values.split(","))))
    print("  ".join(f"{form.format(of[key])} {heading}" for heading, key, form in COLUMNS[:5]))
    return 0


def bar(args):
    """Prints a figure beside its bar; the exit code says whether it was reached."""
    figure = statistics.median(args.values)
    kept = figure <= args.at_most
    several = f" (median of {len(args.values)}: {', '.join(f'{v:g}' for v in args.values)})"
    print(
        f"{args.label}: {figure:g} {args.unit}{several if len(args.values) > 1 else ''}, "
        f"bar ≤ {args.at_most:g} {args.unit}: {'pass' if kept else 'MISS'}"
    )
    return 0 if kept else MISSED


def oha(args):
    """Judges oha's JSON (standard input): every answer 2xx, no error, p99 within the bar."""
    told = json.load(sys.stdin)
    statuses, errors = told["statusCodeDistribution"], told["errorDistribution"]
    good = sum(count for status, count in statuses.items() if status.startswith("2"))
    bad = sum(statuses.values()) - good + sum(errors.values())
    percentiles = {key: (told["latencyPercentiles"][key] or 0) * 1e3 for key in ("p50", "p99", "p99.9")}
    failures = bad / max(good + bad, 1)
    kept = good > 0 and failures <= args.max_failures and percentiles["p99"] <= args.p99_ms
    print(
        f"{args.label}: {told['summary']['requestsPerSec']:,.0f} requests/s, "
        + ", ".join(f"{key} {value:.2f} ms" for key, value in percentiles.items())
        + f", {bad} of {good + bad} failed; bars: p99 ≤ {args.p99_ms:g} ms, "
        f"failures ≤ {args.max_failures:.2%}: {'pass' if kept else 'MISS'}"
    )
    for cause, count in {**{f"status {s}": c for s, c in statuses.items() if s[0] != "2"}, **errors}.items():
        print(f"  {count} × {cause}")
    return 0 if kept else MISSED


def oha_p99_us(_):
    """oha's JSON (standard input) → p99 in microseconds, for the scripts; any failure fails."""
    told = json.load(sys.stdin)
    if told["errorDistribution"] or any(status[0] != "2" for status in told["statusCodeDistribution"]):
        sys.exit(f"failed requests: {told['statusCodeDistribution']} {told['errorDistribution']}")
    print(f"{told['latencyPercentiles']['p99'] * 1e6:.0f}")
    return 0


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(required=True)

    verb = verbs.add_parser("compare", help="results of a comparison → the Markdown report")
    verb.add_argument("comparison", choices=PROMISES)
    verb.add_argument("csv")
    verb.add_argument("--facts", required=True)
    verb.add_argument("--out", required=True)
    verb.add_argument("--strict", action="store_true")
    verb.set_defaults(run=compare)

    verb = verbs.add_parser("row", help="one CSV row, told in one line")
    verb.add_argument("columns")
    verb.add_argument("values")
    verb.set_defaults(run=row)

    verb = verbs.add_parser("bar", help="the median of the values beside its bar")
    verb.add_argument("label")
    verb.add_argument("at_most", type=float)
    verb.add_argument("unit")
    verb.add_argument("values", nargs="+", type=float)
    verb.set_defaults(run=bar)

    verb = verbs.add_parser("oha", help="oha's JSON on standard input")
    verb.add_argument("label")
    verb.add_argument("--p99-ms", type=float, required=True)
    verb.add_argument("--max-failures", type=float, default=0.0)
    verb.set_defaults(run=oha)

    verb = verbs.add_parser("oha-p99-us", help="oha's JSON on standard input")
    verb.set_defaults(run=oha_p99_us)
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse_arguments()
    sys.exit(arguments.run(arguments))
