#!/usr/bin/env python3
"""Distinct copies of one component: same code, different digests.

usage: distinct.py COMPONENT DIRECTORY COUNT      writes DIRECTORY/c0001.wasm …

Each copy ends in a custom section `airgate-copy` with its number, which every reader of WebAssembly must ignore,
so no cache that goes by content can serve one copy for another.
"""

import pathlib
import sys


def leb128(number):
    encoded = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        encoded.append(low | (0x80 if number else 0))
        if not number:
            return bytes(encoded)


def custom_section(name, payload):
    content = leb128(len(name)) + name + payload
    return b"\x00" + leb128(len(content)) + content


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    component, directory, count = pathlib.Path(sys.argv[1]).read_bytes(), pathlib.Path(sys.argv[2]), int(sys.argv[3])
    if not component.startswith(b"\0asm"):
        sys.exit(f"distinct.py: {sys.argv[1]} is not WebAssembly")
    directory.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        copy = component + custom_section(b"airgate-copy", str(number).encode())
        (directory / f"c{number:04}.wasm").write_bytes(copy)


main()
