"""Opening what a person named: only regular files, never waiting, every refusal in plain words."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ganexplorer.core import files
from ganexplorer.core.errors import UserError
from ganexplorer.core.files import FileError, open_regular


def refusal(path: Path | str) -> str:
    """The text with which a path is refused, without the path."""
    with pytest.raises(FileError) as caught:
        open_regular(path)
    text = str(caught.value)
    assert isinstance(caught.value, UserError)
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", ["a", "with spaces .pt", "生成器 模型.safetensors", "-rf", "a'b\"c"])
def test_a_regular_file_is_opened_whatever_its_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"line\r\n\x1a\0")
    with open_regular(tmp_path / name) as file:
        assert file.read() == b"line\r\n\x1a\0"
        assert not file.writable()
        assert not os.get_inheritable(file.fileno())


def test_a_relative_name_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    with open_regular("a") as file:
        assert file.read() == b"x"


def test_a_link_to_a_file_is_followed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "link").symlink_to("a")
    with open_regular(tmp_path / "link") as file:
        assert file.read() == b"x"


def test_an_open_file_outlives_its_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    with open_regular(tmp_path / "a") as file:
        (tmp_path / "a").unlink()
        assert file.read() == b"x"


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.pt") == "no such file. Check its name and folder."


def test_a_link_to_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("absent")
    assert refusal(tmp_path / "link").startswith("no such file.")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "is a folder. Name a model, a run folder or a file."
    (tmp_path / "link").symlink_to(tmp_path)
    assert refusal(tmp_path / "link").startswith("is a folder.")


def test_a_circle_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "circle" in refusal(tmp_path / "a")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refusal(tmp_path / "pipe").startswith("is a pipe, not a regular file.")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_file_that_becomes_a_pipe_meanwhile_is_refused_and_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"")
    before = os.stat(tmp_path / "file")
    monkeypatch.setattr(files.os, "stat", lambda path: before)
    assert refusal(tmp_path / "pipe").startswith("is a pipe")


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs devices")
@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(name: str) -> None:
    assert refusal(name).startswith("is a device, not a regular file.")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs sockets of the file system")
def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        assert refusal("s").startswith("is a socket, not a regular file.")


def test_a_file_without_permission_is_refused(open_folder: Path, as_a_person) -> None:  # type: ignore[no-untyped-def]
    (open_folder / "a").write_bytes(b"x")
    (open_folder / "a").chmod(0)
    with as_a_person():
        assert refusal(open_folder / "a").startswith("cannot be read (Permission denied).")


def test_a_permission_that_lacks_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a").write_bytes(b"x")
    monkeypatch.setattr(files.os, "open", denied)
    assert refusal(tmp_path / "a").startswith("cannot be read (Permission denied).")


def test_a_name_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="too long"):
        open_regular(tmp_path / ("x" * 5000))


def test_a_name_with_a_nul_is_refused() -> None:
    with pytest.raises(FileError, match="is no possible name of a file"):
        open_regular("a\0b")


def test_a_file_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    assert refusal(tmp_path / "a" / "b").startswith("cannot be read (")


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts in /proc")
def test_refusals_leave_no_file_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    before = os.stat(tmp_path / "file")
    count = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(files.os, "stat", lambda path: before)  # so that the folder is noticed when it is open
    assert refusal(tmp_path).startswith("is a folder")
    assert len(os.listdir("/proc/self/fd")) == count
