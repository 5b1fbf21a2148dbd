"""Packages that are broken, hostile or too large: each is refused with a clear error, and nothing has changed."""

import io
import os
import stat
import struct
import zipfile
import zlib

import pytest
from conftest import ROLE, error_of, invoke, package, unique

GOOD = {"app.py": "def handler(event, context):\n    return 'kept'\n"}
UNZIPPED = 262_144_000


def archive(*entries, compression=zipfile.ZIP_DEFLATED):
    """A ZIP of (name or ZipInfo, content) pairs, written as they are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as made:
        for name, content in entries:
            made.writestr(name, content)
    return buffer.getvalue()


def special(name, mode, content=b""):
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = mode << 16
    return entry, content


def link(name, target):
    return special(name, stat.S_IFLNK | 0o777, target)


def encrypted():
    """The flag that says that entries are encrypted, in the local header and the directory."""
    content = bytearray(package(GOOD))
    content[6] |= 1
    content[content.find(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def lying_sizes():
    """A bomb that declares one byte for each of its files."""
    content = bytearray(archive(("bomb", b"\0" * 300_000_000)))
    directory = content.find(b"PK\x01\x02")
    struct.pack_into("<I", content, 22, 1)
    struct.pack_into("<I", content, directory + 24, 1)
    return bytes(content)


def wrong_checksum():
    content = bytearray(package(GOOD))
    struct.pack_into("<I", content, content.find(b"PK\x01\x02") + 16, 0xDEADBEEF)
    struct.pack_into("<I", content, 14, 0xDEADBEEF)
    return bytes(content)


def bad_stream():
    content = bytearray(archive(("app.py", "x = 1\n" * 100)))
    content[40:44] = b"\xff\xff\xff\xff"
    return bytes(content)


def unknown_compression():
    content = bytearray(package(GOOD))
    struct.pack_into("<H", content, 8, 97)
    struct.pack_into("<H", content, content.find(b"PK\x01\x02") + 10, 97)
    return bytes(content)


def overlapping():
    """Many directory entries that share one compressed stream: a bomb without nesting."""
    packed = zlib.compress(b"\0" * 1_000_000)[2:-4]
    name = b"%06d"
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, 20, 0, 8, 0, 0, zlib.crc32(b"\0" * 1_000_000), len(packed), 1_000_000, 6, 0)
    content, directory = local + name % 0 + packed, b""
    for number in range(2000):
        directory += struct.pack(
            "<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 8, 0, 0, zlib.crc32(b"\0" * 1_000_000), len(packed), 1_000_000, 6, 0, 0, 0, 0, 0, 0
        ) + name % number
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 2000, 2000, len(directory), len(content), 0)
    return content + directory + end


def too_many_entries():
    """More entries than a package may have; they are empty, so that only their number counts."""
    return archive(*((f"{number:x}", b"") for number in range(200_001)), compression=zipfile.ZIP_STORED)


def entry_count_lie():
    content = bytearray(package(GOOD))
    end = content.rfind(b"PK\x05\x06")
    struct.pack_into("<HH", content, end + 8, 60_000, 60_000)
    return bytes(content)


def directory_offset_lie():
    content = bytearray(package(GOOD))
    struct.pack_into("<I", content, content.rfind(b"PK\x05\x06") + 16, 0xFFFFFF00)
    return bytes(content)


BROKEN = "Could not unzip uploaded file. Please check your file, then try to upload again."
SIZE = f"Unzipped size must be smaller than {UNZIPPED} bytes"
PACKAGES = {
    "no bytes": (lambda: b"", ""),
    "no zip": (lambda: b"this is a text, not an archive" * 100, BROKEN),
    "only the magic": (lambda: b"PK\x03\x04", BROKEN),
    "an executable": (lambda: b"\x7fELF" + b"\0" * 4000, BROKEN),
    "a gzip": (lambda: b"\x1f\x8b\x08" + b"\0" * 400, BROKEN),
    "truncated at half": (lambda: package({"app.py": "x = 1\n" * 999})[:60], BROKEN),
    "without its directory": (lambda: package(GOOD)[: package(GOOD).find(b"PK\x01\x02")], BROKEN),
    "without its first half": (lambda: package(GOOD)[40:], BROKEN),
    "an empty archive": (lambda: archive(), "Uploaded file must be a non-empty zip"),
    "encrypted": (encrypted, BROKEN),
    "a wrong checksum": (wrong_checksum, BROKEN),
    "a broken stream": (bad_stream, BROKEN),
    "a lie about the number of entries": (entry_count_lie, BROKEN),
    "a lie about where the directory is": (directory_offset_lie, BROKEN),
    "an unknown compression": (unknown_compression, BROKEN),
    "a path upwards": (lambda: archive(("../evil.py", "x")), BROKEN),
    "a path upwards in the middle": (lambda: archive(("a/../../evil.py", "x")), BROKEN),
    "a path far upwards": (lambda: archive(("../" * 40 + "etc/cron.d/evil", "x")), BROKEN),
    "an absolute path": (lambda: archive(("/etc/cron.d/evil", "x")), BROKEN),
    "a zero byte in a name": (lambda: archive(("aXb.py", "x")).replace(b"aXb.py", b"a\0b.py"), BROKEN),
    "a name that is too long": (lambda: archive(("a" * 300, "x")), BROKEN),
    "a path that is too long": (lambda: archive(("a/" * 3000 + "x", "x")), BROKEN),
    "a link to the host": (lambda: archive(link("secrets", "/etc/shadow")), BROKEN),
    "a link upwards": (lambda: archive(link("up", "../../..")), BROKEN),
    "a link upwards through another": (lambda: archive(("d/x", ""), link("d/one", ".."), link("two", "d/one/..")), BROKEN),
    "a link to itself": (lambda: archive(link("self", "self")), BROKEN),
    "two links in a circle": (lambda: archive(link("a", "b"), link("b", "a")), BROKEN),
    "a link without a target": (lambda: archive(link("nowhere", "")), BROKEN),
    "a file through a link": (lambda: archive(link("out", "/tmp"), ("out/evil", "x")), BROKEN),
    "a device": (lambda: archive(special("disk", stat.S_IFBLK | 0o666)), BROKEN),
    "a pipe": (lambda: archive(special("pipe", stat.S_IFIFO | 0o666)), BROKEN),
    "a socket": (lambda: archive(special("socket", stat.S_IFSOCK | 0o666)), BROKEN),
    "a file that is also a directory": (lambda: archive(("a", "x"), ("a/b", "y")), BROKEN),
    "the same name twice": (lambda: archive(("app.py", "one"), ("app.px", "two")).replace(b"app.px", b"app.py"), BROKEN),
    "a bomb": (lambda: archive(("bomb", b"\0" * (UNZIPPED + 1))), SIZE),
    "a bomb in parts": (lambda: archive(*((str(n), b"\0" * 27_000_000) for n in range(10))), SIZE),
    "a bomb that lies about its size": (lying_sizes, (BROKEN, SIZE)),
    "a bomb of overlapping entries": (overlapping, (BROKEN, SIZE)),
    "too many entries": (too_many_entries, "The package has more than 200000 files"),
}


@pytest.fixture(scope="module")
def house(platform):
    """A client in an account of its own, with a function and a layer that no bad input may change."""
    client = platform.client("lambda", account="".join(filter(str.isdigit, unique() + "0" * 12))[:12])
    given = {"Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE, "Publish": True}
    client.create_function(FunctionName="kept", Code={"ZipFile": package(GOOD)}, **given)
    client.publish_layer_version(LayerName="kept", Content={"ZipFile": package(GOOD)})
    yield client
    client.delete_function(FunctionName="kept")
    client.delete_layer_version(LayerName="kept", VersionNumber=1)


def state(client):
    return [
        client.list_functions(FunctionVersion="ALL")["Functions"],
        client.list_layers()["Layers"],
        client.get_account_settings()["AccountUsage"],
    ]


@pytest.fixture
def unchanged(platform, house):
    """Checks after a test that the platform is well and that nothing of the account has changed."""
    before = state(house)
    yield house
    assert platform.http("GET", "/_fogbank/health")[0] == 200
    assert state(house) == before
    assert invoke(house, "kept") == ("kept", None)


@pytest.mark.parametrize("kind", PACKAGES)
def test_a_bad_package_is_refused_everywhere_and_changes_nothing(unchanged, kind):
    make, expected = PACKAGES[kind]
    content, client = make(), unchanged
    expected = expected if isinstance(expected, tuple) else (expected,)
    given = {"FunctionName": "new", "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE}
    for call, arguments in (
        (client.create_function, {**given, "Code": {"ZipFile": content}}),
        (client.update_function_code, {"FunctionName": "kept", "ZipFile": content}),
        (client.publish_layer_version, {"LayerName": "new", "Content": {"ZipFile": content}}),
    ):
        code, message = error_of(call, **arguments)
        assert code == "InvalidParameterValueException", (call, message)
        assert any(text in message for text in expected), message


def test_nothing_is_left_of_refused_packages(platform, unchanged):
    code = platform.data_dir / "code"
    assert not [entry.name for entry in code.iterdir() if entry.name.startswith("draft")]


def test_a_package_over_50_mb_is_refused(unchanged):
    content = archive(("noise", os.urandom(51 << 20)), compression=zipfile.ZIP_STORED)
    given = {"FunctionName": "new", "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE}
    code, message = error_of(unchanged.create_function, Code={"ZipFile": content}, **given)
    assert code == "RequestEntityTooLargeException" and message.startswith("Request must be smaller than "), message


def test_a_function_and_its_layers_share_the_unzipped_limit(unchanged):
    client = unchanged
    half = archive(("half", b"\0" * 140_000_000))
    layer = client.publish_layer_version(LayerName="half", Content={"ZipFile": half})["LayerVersionArn"]
    given = {"FunctionName": "new", "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE}
    code, message = error_of(client.create_function, Code={"ZipFile": half}, Layers=[layer], **given)
    assert code == "InvalidParameterValueException"
    assert message.startswith(f"Function code combined with layers exceeds the maximum allowed size of {UNZIPPED} bytes.")
    client.delete_layer_version(LayerName="half", VersionNumber=1)


def test_a_link_inside_the_package_is_kept(platform, make_function, aws):
    content = archive(("app.py", "def handler(e, c): return open('link').read()"), ("dir/file", "through the link"), link("link", "dir/file"))
    name = make_function("x = 1")
    aws("lambda").update_function_code(FunctionName=name, ZipFile=content)
    assert invoke(aws("lambda"), name) == ("through the link", None)
