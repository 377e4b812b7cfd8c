"""Reading in a child process: the same contents, and a child that dies, hangs or lies is told in words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest
import safetensors.torch
import torch
from strangers import Claimed, claiming, legacy, pickled, saved, small_generator, zipped
from strangers import safetensors as crafted
from torch import nn

from ganexplorer.core.files import FileError
from ganexplorer.core.foreign import containers, guard
from ganexplorer.core.foreign.containers import ContainerError
from ganexplorer.core.foreign.contents import Contents

ROOT = Path(guard.__file__).parents[2]


def refusal(path: Path, seconds: float = guard.SECONDS, child: list[str] | None = None) -> str:
    """The text with which a file is refused, without its name."""
    with pytest.raises(ContainerError) as caught:
        guard.read(path, seconds, child)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def python(program: str, *args: object) -> list[str]:
    return [sys.executable, "-c", program, *map(str, args)]


def same(a: Contents, b: Contents) -> bool:
    assert (a.kind, a.metadata, a.modules) == (b.kind, b.metadata, b.modules)
    assert list(a.modules) == list(b.modules)
    assert list(a.tensors) == list(b.tensors)
    for name in a.tensors:
        assert a.tensors[name].dtype == b.tensors[name].dtype
        assert a.tensors[name].shape == b.tensors[name].shape
        assert np.array_equal(a.tensors[name], b.tensors[name])
    return True


# ---- the same contents


@pytest.mark.parametrize("name", ["model.pt", "with spaces.pth", "生成器 ✓.png", "-c"])
def test_a_file_is_read_in_a_child_as_it_is_read_here(tmp_path: Path, name: str) -> None:
    model = small_generator()
    state = {
        "netG": model,
        "all": [torch.tensor(2), torch.empty(0, 3), torch.ones(2, 2).t(), torch.tensor([True]), torch.ones(3).half()],
        "small": [torch.ones(3).to(getattr(torch, f"{sign}int{8 * n}")) for sign in ("", "u") for n in (1, 2, 4, 8)],
    }
    torch.save(state, tmp_path / name)
    with (tmp_path / name).open("rb") as file:
        assert same(guard.read(tmp_path / name), containers.parse(file, name))


def test_safetensors_are_read_in_a_child_with_their_metadata_whatever_they_are_called(tmp_path: Path) -> None:
    state = {"b": torch.randn(3), "生成器": torch.randn(2).bfloat16()}
    (tmp_path / "x.pt").write_bytes(safetensors.torch.save(state, {"kind": "other", "note": "✓"}))
    contents = guard.read(tmp_path / "x.pt")
    assert contents.kind == "safetensors"
    assert contents.metadata == {"kind": "other", "note": "✓"}
    assert contents.tensors.keys() == state.keys()


def test_facts_that_are_not_finite_come_back(tmp_path: Path) -> None:
    torch.save(nn.Sequential(nn.LeakyReLU(float("inf")), nn.Linear(1, 1)), tmp_path / "x")
    assert guard.read(tmp_path / "x").modules["0"].values["negative_slope"] == float("inf")


def test_several_threads_can_read_at_once(tmp_path: Path) -> None:
    for number in range(6):
        torch.save({"a": torch.full((3,), float(number))}, tmp_path / f"{number}.pt")
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(guard.read, [tmp_path / f"{number}.pt" for number in range(6)]))
    assert [contents.tensors["a"][0] for contents in found] == [0, 1, 2, 3, 4, 5]


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    torch.save({"a": torch.ones(3)}, tmp_path / "x")
    process = psutil.Process()
    files = process.num_handles() if os.name == "nt" else process.num_fds()
    guard.read(tmp_path / "x")
    refusal(tmp_path / "x", 0.3, python("import time; time.sleep(60)"))
    refusal(tmp_path / "x", 5, python("raise SystemExit(5)"))
    assert (process.num_handles() if os.name == "nt" else process.num_fds()) == files
    assert process.children() == []  # nor a zombie
    assert not any((tmp_path / "temporary").iterdir())


# ---- the child and its surroundings


def test_the_child_never_imports_pytorch(tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.append(sys.argv[1]); from ganexplorer.core.foreign import guard\n"
        "print('torch' in sys.modules)"
    )
    child = subprocess.run(python(program, ROOT), capture_output=True, cwd=tmp_path, check=True)
    assert child.stdout.strip() == b"False"


def test_modules_in_the_current_folder_or_the_environment_are_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.save({"a": torch.ones(3)}, tmp_path / "x.pt")
    for name in ("json", "struct", "zipfile", "pickletools", "numpy", "ganexplorer", "sitecustomize", "resource"):
        (tmp_path / f"{name}.py").write_text("open('canary', 'w'); raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert guard.read("x.pt").tensors["a"].shape == (3,)
    assert not (tmp_path / "canary").exists()


@pytest.mark.skipif(guard.resource is None, reason="needs resource limits")
def test_the_child_limits_itself() -> None:
    program = (
        "import resource, sys; sys.path.append(sys.argv[1])\n"
        "from ganexplorer.core.foreign import guard; guard._limit(1000, 7)\n"
        "print([resource.getrlimit(getattr(resource, f'RLIMIT_{n}'))[0] for n in ('AS', 'CPU', 'FSIZE', 'CORE')])"
    )
    child = subprocess.run(python(program, ROOT), capture_output=True, check=True)
    memory, cpu, written, core = json.loads(child.stdout)
    assert memory == 1024**3 + 3000
    assert cpu == 8
    assert written == guard.MAX_HEADER_BYTES + 2000
    assert core == 0


# ---- files that are not to be read


def test_a_refusal_comes_from_the_child_word_for_word(tmp_path: Path) -> None:
    (tmp_path / "空 x").write_bytes(b"")
    assert refusal(tmp_path / "空 x") == "is empty. Copy or download it again."


def test_what_is_no_file_is_refused_before_a_child_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "_run", None)
    (tmp_path / "circle").symlink_to("circle")
    paths = [tmp_path, tmp_path / "absent", tmp_path / "circle"]
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        paths += [tmp_path / "pipe", Path("/dev/zero")]
    for path in paths:
        with pytest.raises(FileError):
            guard.read(path)


def test_a_file_without_permission_is_refused(open_folder: Path, as_a_person) -> None:  # type: ignore[no-untyped-def]
    (open_folder / "x").write_bytes(b"x")
    (open_folder / "x").chmod(0)
    with as_a_person(), pytest.raises(FileError, match="Permission denied"):
        guard.read(open_folder / "x")


def test_a_file_too_large_is_refused_before_a_child_is_started(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(5 * 1024**3)  # sparse
    assert "5.4 GB is more than the 4.3 GB allowed" in refusal(tmp_path / "x", child=["/none"])


def write_sparse(path: Path, data: bytes, size: int) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.truncate(size)


HOSTILE = {
    "deflated": lambda path: path.write_bytes(
        zipped({"data.pkl": pickled({"a": Claimed()}), "data/0": bytes(200_000_000)}, zipfile.ZIP_DEFLATED)
    ),
    "terabyte": lambda path: path.write_bytes(claiming({"a": Claimed(numel=2**38)})),
    "stride": lambda path: path.write_bytes(claiming({"a": Claimed((10**6, 10**6), (0, 0))})),
    "header": lambda path: write_sparse(path, crafted(b"{", length=99_000_000), 99_000_100),
    "offsets": lambda path: path.write_bytes(
        crafted(
            json.dumps({n: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for n in "ab"}).encode(), bytes(8)
        )
    ),
    "dtype": lambda path: path.write_bytes(
        crafted(json.dumps({"a": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]}}).encode(), bytes(1))
    ),
    "sparse tensor": lambda path: path.write_bytes(saved(torch.ones(3).to_sparse())),
    "legacy": lambda path: path.write_bytes(legacy({"a": torch.ones(3)})),
    "zeros": lambda path: write_sparse(path, b"", 10**9),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_cost_this_process_neither_time_nor_memory(name: str, tmp_path: Path) -> None:
    HOSTILE[name](tmp_path / "x")
    process = psutil.Process()
    memory, begin = process.memory_info().rss, time.monotonic()
    assert refusal(tmp_path / "x")
    assert process.memory_info().rss - memory < 50 * 1024**2
    assert time.monotonic() - begin < 5  # of these about 0.15 s; a machine may be busy


@pytest.mark.skipif(os.name == "nt", reason="replaces the process")
@pytest.mark.parametrize("data", [safetensors.torch.save({"a": torch.ones(999)}), saved({"a": torch.ones(999)})])
def test_a_file_that_is_cut_after_it_was_opened_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    program = f"import os, sys; os.truncate({str(path)!r}, 2000); os.execv(sys.argv[1], sys.argv[1:])"
    assert "again" in refusal(path, child=python(program, *guard.command(path, 20)))


@pytest.mark.skipif(os.name == "nt", reason="replaces the process")
def test_a_file_that_is_removed_after_it_was_opened_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(saved({"a": torch.ones(9)}))
    program = f"import os, sys; os.unlink({str(path)!r}); os.execv(sys.argv[1], sys.argv[1:])"
    assert guard.read(path, child=python(program, *guard.command(path, 20))).tensors["a"].shape == (9,)


# ---- children that fail


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.pt"
    path.write_bytes(saved({"a": torch.ones(3)}))
    return path


def test_a_child_that_hangs_is_stopped(file: Path) -> None:
    begin = time.monotonic()
    text = refusal(file, 0.5, python("import time; time.sleep(60)"))
    assert text == "took longer than 0.5 s to read. Save the weights of the generator alone."
    assert time.monotonic() - begin < 10


@pytest.mark.skipif(os.name == "nt", reason="needs signals")
@pytest.mark.parametrize(
    ("signal", "words"), [("SIGKILL", "SIGKILL, perhaps for lack of memory"), ("SIGSEGV", "SIGSEGV")]
)
def test_a_child_that_is_killed_is_told_with_the_signal(file: Path, signal: str, words: str) -> None:
    program = (
        "import os, resource, signal; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); "
        f"os.kill(os.getpid(), signal.{signal})"
    )
    assert f"reading it was stopped ({words})" in refusal(file, child=python(program))


def test_a_child_that_fails_is_told_with_its_status(file: Path) -> None:
    assert "reading it was stopped (exit status 5)" in refusal(file, child=python("raise SystemExit(5)"))
    assert "reading it was stopped (exit status 1)" in refusal(file, child=python("raise KeyError"))


def test_a_child_that_cannot_be_started_is_told(file: Path) -> None:
    assert "cannot be started" in refusal(file, child=["/no/such/program"])


@pytest.mark.skipif(guard.resource is None, reason="needs resource limits")
def test_a_child_out_of_memory_is_told(file: Path) -> None:
    program = (
        "import sys; sys.path.append(sys.argv[1]); from ganexplorer.core.foreign import guard\n"
        "guard._limit(0, 9); bytes(2**31)"
    )
    assert "reading it was stopped (exit status 1)" in refusal(file, child=python(program, ROOT))


LIES = {
    "nothing": b"",
    "words": b"all is well",
    "words as an answer": crafted(b"{}"),
    "no kind": safetensors.torch.save({"a": torch.ones(1)}),
    "another kind": safetensors.torch.save({"a": torch.ones(1)}, {"kind": "x", "modules": "{}", "metadata": "{}"}),
    "no modules": safetensors.torch.save({"a": torch.ones(1)}, {"kind": "pytorch", "modules": "[]", "metadata": "{}"}),
    "odd modules": safetensors.torch.save(
        {"a": torch.ones(1)}, {"kind": "pytorch", "modules": '{"a": {"x": 1}}', "metadata": "{}"}
    ),
    "a long header": crafted(b"{" + b" " * 100, length=2**40),
    "too few bytes": crafted(json.dumps({"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]}}).encode()),
}


@pytest.mark.parametrize("status", [0, guard.REFUSED])
@pytest.mark.parametrize("name", LIES)
def test_an_answer_that_makes_no_sense_is_not_believed(file: Path, name: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "lie").write_bytes(LIES[name])
    program = "import sys; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read()); sys.exit(int(sys.argv[2]))"
    assert refusal(file, child=python(program, tmp_path / "lie", status)).startswith("reading it gave no usable answer")
