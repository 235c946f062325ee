"""Requests that no client means: bodies, header fields and octets that are hardly HTTP."""

import gzip
from collections.abc import Callable

GOOD = b'{"user_line": "18175620001", "destination_line": "15125292329"}'
LINE = b'"destination_line": "15125292329"}'
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
GZIP_BOMB = gzip.compress(bytes(60_000_000))

BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "application/json"),
    "one brace": (b"{", "application/json"),
    "array": (b"[]", "application/json"),
    "array of calls": (b"[" + GOOD + b"]", "application/json"),
    "text": (b'"user_line"', "application/json"),
    "number": (b"1", "application/json"),
    "null": (b"null", "application/json"),
    "trailing octets": (GOOD + b"}", "application/json"),
    "two objects": (GOOD + GOOD, "application/json"),
    "single quotes": (GOOD.replace(b'"', b"'"), "application/json"),
    "comment": (b"/* */" + GOOD, "application/json"),
    "trailing comma": (GOOD[:-1] + b",}", "application/json"),
    "deep arrays": (b'{"user_line": ' + b"[" * 60_000, "application/json"),
    "deep objects": (b'{"a":' * 12_000, "application/json"),
    "100,000 deep": (b'{"user_line": ' + b"[" * 100_000 + b"]" * 100_000 + b", " + LINE, "application/json"),
    "balanced depth": (b'{"a": ' + b"[" * 30_000 + b"]" * 30_000 + b", " + LINE, "application/json"),
    "huge integer": (b'{"user_line": ' + b"9" * 5000 + b", " + LINE.replace(b'"1', b'"'), "application/json"),
    "huge float": (b'{"user_line": 1e999, ' + LINE, "application/json"),
    "NaN": (b'{"user_line": NaN, ' + LINE, "application/json"),
    "NaN elsewhere": (GOOD[:-1] + b', "x": NaN}', "application/json"),
    "infinity": (b'{"user_line": -Infinity, ' + LINE, "application/json"),
    "true": (b'{"user_line": true, ' + LINE, "application/json"),
    "float": (b'{"user_line": 18175620001.0, ' + LINE, "application/json"),
    "object": (b'{"user_line": {"number": "1"}, ' + LINE, "application/json"),
    "empty text": (b'{"user_line": "", ' + LINE, "application/json"),
    "duplicate, the last one empty": (
        b'{"user_line": "18175620001", "user_line": "", ' + LINE,
        "application/json",
    ),
    "raw NUL": (b'{"user_line": "\x00", ' + LINE, "application/json"),
    "NUL octets": (b"\x00" * 1000, "application/json"),
    "not UTF-8": (b'{"user_line": "\xff\xfe", ' + LINE, "application/json"),
    "over-long UTF-8": (b'{"user_line": "\xc0\xb1", ' + LINE, "application/json"),
    "UTF-16": (GOOD.decode().encode("utf-16"), "application/json"),
    "UTF-32": (GOOD.decode().encode("utf-32"), "application/json"),
    "two byte order marks": (b"\xef\xbb\xbf" * 2 + GOOD, "application/json"),
    "broken escape": (b'{"user_line": "\\u12", ' + LINE, "application/json"),
    "half a character": (b'{"user_line": "\\ud800", ' + LINE, "application/json"),
    "half a character, the wrong half": (b'{"user_line": "1\\udc00", ' + LINE, "application/json"),
    "name of half a character": (b'{"\\ud800": 1, ' + LINE, "application/json"),
    "number in exponents": (b'{"user_line": 1e400, ' + LINE, "application/json"),
    "JSON in Latin-1": (b'{"user_line": "\xe4", ' + LINE, "application/json; charset=iso-8859-1"),
    "JSON in a charset that is none": (b'{"user_line": "\xe4", ' + LINE, "application/json; charset=none"),
    "JSON called a form": (GOOD, FORM),
    "JSON called multipart": (GOOD, MULTIPART),
    "JSON called text": (GOOD, "text/plain"),
    "JSON called XML": (GOOD, "application/xml"),
    "JSON called nothing known": (GOOD, "x" * 8000),
    "type of two lines": (GOOD, "text/plain;\tcharset=\x0b"),
    "form called JSON": (b"user_line=18175620001&destination_line=15125292329", "application/json"),
    "form of many fields": (b"&".join(b"user_line=%d" % number for number in range(5000)), FORM),
    "form of separators": (b"&=" * 30_000, FORM),
    "form with broken escapes": (b"user_line=%%%zz%&destination_line=%", FORM),
    "form not UTF-8": (b"user_line=\xff&destination_line=\xff", FORM),
    "multipart without boundary": (b"--b\r\n", "multipart/form-data"),
    "multipart without an end": (
        b'--b\r\nContent-Disposition: form-data; name="user_line"\r\n\r\n1',
        MULTIPART,
    ),
    "multipart with a file": (
        b'--b\r\nContent-Disposition: form-data; name="user_line"; filename="f"\r\n\r\n1\r\n--b--\r\n',
        MULTIPART,
    ),
    "multipart without a name": (b"--b\r\nX: y\r\n\r\n1\r\n--b--\r\n", MULTIPART),
    "multipart noise": (bytes(range(256)) * 100, MULTIPART),
    "too long": (b" " * 65_537, "application/json"),
    "ten megabytes": (b" " * 10_000_000, "application/json"),
    "XML": (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>", ""),
}

HEADERS: dict[str, dict[str, str]] = {
    "packed with nothing known": {"Content-Encoding": "br"},
    "said to be packed": {"Content-Encoding": "gzip"},
    "packed twice": {"Content-Encoding": "gzip, gzip"},
    "authorization of 8,000 letters": {"Authorization": "Basic " + "A" * 8000},
    "authorization that is no base64": {"Authorization": "Basic !!!!"},
    "authorization of control letters": {"Authorization": "Basic \x07"},
    "authorization that is not ASCII": {"Authorization": "Basic \xe4\xf6\xfc"},
    "two colons and no account": {"Authorization": "Basic Ojo="},
}


def on_the_wire(request: Callable[..., bytes], path: str) -> dict[str, bytes]:
    """Requests for `path` that are hardly HTTP, made of those that `request` makes of a body and its options."""
    return {
        "HTTP/0.9": b"GET %b\r\n\r\n" % path.encode(),
        "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100 + b"\r\n\r\n",
        "SIP": b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP c\r\n\r\n",
        "wrong version": request(GOOD).replace(b"HTTP/1.1", b"HTTP/9.9"),
        "unknown method": request(GOOD, method="BREW"),
        "space in the path": request(GOOD, path=f"{path} ll"),
        "NUL in the path": request(GOOD, path=f"{path}%00"),
        "escape out of the path": request(GOOD, path=f"{path}/../../../../etc/passwd"),
        "path of 60,000 letters": request(GOOD, path=f"{path}/" + "x" * 60_000),
        "header of 64 KiB": request(GOOD, headers={"X": "x" * 65_536}),
        "length and chunks": request(GOOD, headers={"Transfer-Encoding": "chunked"}),
        "two lengths": request(GOOD, headers={"content-length": "5"}),
        "negative length": request(GOOD).replace(b"Content-Length: 63", b"Content-Length: -1"),
        "length that is no number": request(GOOD).replace(b"Content-Length: 63", b"Content-Length: 0x3f"),
        "length of 400 digits": request(GOOD).replace(
            b"Content-Length: 63", b"Content-Length: " + b"9" * 400
        ),
        "chunk of no length": request(headers={"Transfer-Encoding": "chunked"}).replace(
            b"Content-Length: 0\r\n", b""
        )
        + b"zz\r\n",
        "folded header": request(GOOD, headers={"X": "a\r\n b"}),
        "NUL in a header": request(GOOD, headers={"X": "a\x00b"}),
        "header without a name": request(GOOD).replace(b"Host: ", b": "),
        "line feeds only": request(GOOD).replace(b"\r\n", b"\n"),
        "no host, no body": b"POST %b HTTP/1.1\r\nConnection: close\r\n\r\n" % path.encode(),
        "gzip bomb": request(GZIP_BOMB, headers={"Content-Encoding": "gzip"}),
    }
