"""A large object passes through without being held. FOGBANK_OBJECT_GIGABYTES says how large (1)."""

import hashlib
import io
import os

import pytest

MEGABYTE = 1024 * 1024
SIZE = int(os.environ.get("FOGBANK_OBJECT_GIGABYTES", 1)) * 1024 * MEGABYTE


class Pattern(io.RawIOBase):
    """So many bytes that are nowhere."""

    def __init__(self, size):
        self.size, self.at, self.digest = size, 0, hashlib.md5()
        self.block = bytes(range(256)) * 4096

    def readable(self):
        return True

    def read(self, count=-1):
        count = min(len(self.block), self.size - self.at, count if count >= 0 else self.size)
        self.at += count
        piece = self.block[:count]
        self.digest.update(piece)
        return piece


def resident(platform):
    """The bytes that the process has in memory of its own."""
    with open(f"/proc/{platform.process.pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))


@pytest.mark.alone
def test_memory_stays_flat(fresh):
    platform = fresh()
    s3 = platform.client("s3", s3={"payload_signing_enabled": False}, request_checksum_calculation="when_required")
    s3.create_bucket(Bucket="large")
    s3.put_object(Bucket="large", Key="warm", Body=b"x" * MEGABYTE)
    before = resident(platform)
    body = Pattern(SIZE)
    body.seek = lambda *_: 0
    body.tell = lambda: 0
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", platform.port)
    url = s3.generate_presigned_url("put_object", Params={"Bucket": "large", "Key": "k"})
    connection.request("PUT", url.split(str(platform.port), 1)[1], body=body, headers={"Content-Length": str(SIZE)})
    answer = connection.getresponse()
    assert answer.status == 200
    assert answer.headers["etag"] == f'"{body.digest.hexdigest()}"'
    answer.read()
    after_put = resident(platform)
    digest = hashlib.md5()
    for piece in s3.get_object(Bucket="large", Key="k")["Body"].iter_chunks(MEGABYTE):
        digest.update(piece)
    assert digest.hexdigest() == body.digest.hexdigest()
    grown = max(after_put, resident(platform)) - before
    assert grown < 64 * MEGABYTE, f"{grown // MEGABYTE} MB more"
