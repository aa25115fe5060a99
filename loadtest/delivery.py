#!/usr/bin/env python3
"""What deploying costs: how long until a version serves, how long until a bad one is gone, whether a request fails
because of it, and whether memory grows. Prints one line a figure with its bar; exit 3 where a bar is missed.

    loadtest/delivery.py [--rounds N] [--changes N] [--reloads N] [--seconds-of-load S]

Needs h2load (Debian: nghttp2-client). Environment: AIRGATE (binary, default target/release/airgate).
"""

import argparse
import http.client
import itertools
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
COMPONENTS = ROOT / "fixtures/components"
AIRGATE = os.environ.get("AIRGATE", str(ROOT / "target/release/airgate"))
SIZE = 100_000
CLIENTS = 4
CONNECTIONS = 32

missed = []


def figure(name, value, unit, bar=None):
    """Prints a figure; a bar is the most it may be."""
    verdict = "" if bar is None else f"  (bar: at most {bar} {unit}: {'met' if value <= bar else 'MISSED'})"
    print(f"{name:<58} {value:>12,.2f} {unit}{verdict}", flush=True)
    if bar is not None and value > bar:
        missed.append(name)


def leb128(number):
    out = b""
    while True:
        number, low = number >> 7, number & 0x7F
        out += bytes([low | (0x80 if number else 0)])
        if not number:
            return out


def padded(path, size=SIZE):
    """The component with a custom section of random bytes: other bytes each time, so that nothing is in a cache."""
    wasm = path.read_bytes()
    content = leb128(3) + b"pad" + secrets.token_bytes(max(16, size - len(wasm)))
    return wasm + b"\0" + leb128(len(content)) + content


class Node:
    """The built binary on ports of its own."""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.config = self.work / "routes.toml"
        shutil.copy(COMPONENTS / "version-a.wasm", self.work / "version.wasm")
        self.write(note=0)
        self.process = subprocess.Popen(
            [AIRGATE, "serve", "--config", str(self.config)],
            stdout=subprocess.PIPE, stderr=open(self.work / "log", "wb"), text=True,
        )
        lines = [self.process.stdout.readline() for _ in range(2)]
        try:
            self.port, self.admin_port = (int(line.rsplit(":", 1)[1]) for line in lines)
        except (IndexError, ValueError):
            sys.exit(f"airgate did not start: {(self.work / 'log').read_text()}")
        self.token = (self.work / "state/admin.token").read_text().strip()

    def write(self, note):
        temporary = self.config.with_suffix(".new")
        temporary.write_text(f"""version = 1
[server]
listen = ["127.0.0.1:0"]
[admin]
listen = "127.0.0.1:0"
[state]
dir = "state"
[telemetry]
access_log = false
[component.version]
source = "version.wasm"
instances = {{ reuse = 1_000_000 }}
[[route]]
prefix = "/"
component = "version"
response_headers = {{ set = {{ x-note = "{note}" }} }}
""")
        temporary.replace(self.config)

    def admin(self):
        return Admin(self)

    def resident(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Admin:
    """One connection to the admin API."""

    def __init__(self, node):
        self.connection = http.client.HTTPConnection("127.0.0.1", node.admin_port, timeout=120)
        self.connection.connect()
        self.headers = {"Authorization": f"Bearer {node.token}"}

    def call(self, method, path, body=None, kind="application/json"):
        headers = dict(self.headers)
        if body is not None:
            headers["Content-Type"] = kind
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return json.loads(text)

    def deploy(self, version, wasm):
        path = f"/v1/components/version/versions/{version}"
        return self.call("PUT", path, wasm, "application/wasm")

    def rollback(self):
        return self.call("POST", "/v1/components/version/rollback", "{}")

    def reload(self):
        return self.call("POST", "/v1/reload")


class Askers:
    """Clients that ask again and again, and note when each answer began to be asked for, when it came, and what it was."""

    def __init__(self, port):
        self.port, self.stopped, self.seen, self.errors = port, False, [], []
        self.threads = [threading.Thread(target=self.ask) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while not self.stopped:
            began = time.monotonic()
            try:
                connection.request("GET", "/version")
                answer = connection.getresponse()
                self.seen.append((began, time.monotonic(), answer.status, answer.read()))
            except OSError as error:
                self.errors.append(error)
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def stop(self):
        self.stopped = True
        for thread in self.threads:
            thread.join()


def wait_for(condition, patience=30):
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            sys.exit("gave up waiting")
        time.sleep(0.001)


def latencies(node, rounds):
    """Upload to first request served by it, and rollback to the last request of the bad version."""
    admin, deployed, gone = node.admin(), [], []
    askers = Askers(node.port)
    for number in range(rounds):
        wasm = padded(COMPONENTS / "version-b.wasm")
        mark, began = len(askers.seen), time.monotonic()
        admin.deploy(f"latency-{number}", wasm)
        wait_for(lambda: any(body.strip() == b"b" for *_, body in askers.seen[mark:]))
        deployed.append(min(end for _, end, _, body in askers.seen[mark:] if body.strip() == b"b") - began)
        mark, began = len(askers.seen), time.monotonic()
        admin.rollback()
        end = time.monotonic() + 0.5
        wait_for(lambda: time.monotonic() > end)
        bad = [ended for _, ended, _, body in askers.seen[mark:] if body.strip() == b"b"]
        gone.append(max(bad, default=began) - began)
    askers.stop()
    failed = [seen for seen in askers.seen if seen[2] != 200]
    figure(f"deploy, upload to first request, median of {rounds}", statistics.median(deployed) * 1e3, "ms", 1_000)
    figure(f"deploy, upload to first request, worst of {rounds}", max(deployed) * 1e3, "ms", 1_000)
    figure(f"rollback to last request of the bad version, median of {rounds}", statistics.median(gone) * 1e3, "ms", 100)
    figure(f"rollback to last request of the bad version, worst of {rounds}", max(gone) * 1e3, "ms", 100)
    figure("requests that failed meanwhile", len(failed) + len(askers.errors), "", 0)


def h2load(port, seconds, rate=None):
    command = ["h2load", "--h1", "-c", str(CONNECTIONS), "-t", "1", "-D", str(seconds), f"http://127.0.0.1:{port}/version"]
    if rate:
        command[1:1] = ["--rps", str(max(1, rate // CONNECTIONS))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def count(pattern, text):
    return int(re.search(pattern, text)[1])


def storm(node, changes, seconds):
    """Deploys, rollbacks and reloads while clients ask at 70 % of what the node can do."""
    capacity = h2load(node.port, 5).communicate()[0]
    rate = int(float(re.search(r"finished in [\d.]+s, ([\d.]+) req/s", capacity)[1]) * 0.7)
    load = h2load(node.port, seconds, rate)
    time.sleep(1)
    admin, began, stale = node.admin(), time.monotonic(), 0
    pause = max(0, (seconds - 5) / changes)
    for number, kind in zip(range(changes), itertools.cycle(["deploy", "rollback", "reload"])):
        due = began + number * pause
        time.sleep(max(0, due - time.monotonic()))
        if kind == "deploy":
            admin.deploy(f"storm-{number}", padded(COMPONENTS / "version-b.wasm"))
            stale += answers_of(node, b"a")
        elif kind == "rollback":
            admin.rollback()
            stale += answers_of(node, b"b")
        else:
            node.write(note=number)
            admin.reload()
    took = time.monotonic() - began
    text = load.communicate()[0]
    failed = count(r"(\d+) failed", text) + count(r"(\d+) errored", text) + count(r"(\d+) timeout", text)
    done, good = count(r"(\d+) done", text), count(r"status codes: (\d+) 2xx", text)
    figure("load: requests a second", rate, "req/s")
    figure(f"changes made under it in {took:.0f} s", changes, "")
    figure("requests answered", done, "")
    figure("requests failed, reset or timed out", failed, "", 0)
    figure("answers that are not 2xx", done - good, "", 0)
    figure("answers of the version before, once a change was confirmed", stale, "", 0)


def answers_of(node, version, requests=20):
    """How many of some requests the version answers."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=30)
    answers = 0
    for _ in range(requests):
        connection.request("GET", "/version")
        answers += connection.getresponse().read().strip() == version
    connection.close()
    return answers


def reloads(node, number):
    """Memory before and after many reloads, each of which changes something."""
    admin = node.admin()

    def reload_times(times):
        for note in range(times):
            node.write(note)
            admin.reload()

    reload_times(number // 10)
    before = node.resident()
    began = time.monotonic()
    reload_times(number)
    took, after = time.monotonic() - began, node.resident()
    figure(f"one reload, mean of {number}", took / number * 1e3, "ms")
    figure("resident before", before / 2**20, "MiB")
    figure(f"resident after {number} reloads", after / 2**20, "MiB")
    figure("growth", max(0.0, (after / before - 1) * 100), "%", 5)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--changes", type=int, default=200)
    parser.add_argument("--reloads", type=int, default=10_000)
    parser.add_argument("--seconds-of-load", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        node = Node(work)
        try:
            latencies(node, options.rounds)
            storm(node, options.changes, options.seconds_of_load)
            reloads(node, options.reloads)
        finally:
            code = node.stop()
        figure("exit code after SIGTERM", code, "", 0)
    sys.exit(3 if missed else 0)


if __name__ == "__main__":
    main()
