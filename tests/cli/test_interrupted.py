"""Interrupt, full disk, and output that cannot be delivered: an exit status, one line, and nothing half-written."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TOY = Path(__file__).parents[1] / "toy" / "region"
PLAN = Path(__file__).parents[1] / "toy" / "plan.yaml"
INTERRUPTED = (130, ["error: interrupted; nothing was written"])

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and mounts of Unix")


def names(folder: Path) -> list[str]:
    """Everything in a folder, hidden or not."""
    return sorted(p.name for p in folder.iterdir())


def interrupt(running: subprocess.Popen) -> tuple[int, list[str]]:
    """Send SIGINT, as Ctrl-C does, and return the exit status and the lines of stderr that are not notes."""
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=120)
    return running.returncode, [line for line in err.splitlines() if not line.startswith("note: ")]


def test_interrupt_of_an_evaluation(start, tmp_path):
    """Three seconds into the bundled region's main job, which takes longer on any machine."""
    with start("report", "china", "--draws", 64, "-o", tmp_path / "out") as running:
        time.sleep(3)
        assert running.poll() is None
        assert interrupt(running) == INTERRUPTED
    assert names(tmp_path) == []


@pytest.mark.parametrize(("behind", "status"), [("KeyboardInterrupt", 130), ("KeyError", 1)])
def test_interrupt_while_a_compiled_function_is_loaded(behind, status):
    """It arrives as a SystemError with the interrupt behind it; any other stays what it is."""
    code = f"""
import megalopolis.cli as cli
def load(*_, **__):
    try:
        raise {behind}
    except BaseException as error:
        raise SystemError("result with an exception set") from error
cli.app = load
cli.main()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == status
    lines = ran.stderr.splitlines()
    assert lines == INTERRUPTED[1] if status == INTERRUPTED[0] else lines[-1].startswith("SystemError")


def test_interrupt_of_writing(start, tmp_path):
    """As soon as the temporary folder stands beside the earlier report, which stays as it was."""
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("of then")
    (out / "run.json").write_text("{}")
    with start("report", TOY, PLAN, "--draws", 0, "-o", out) as running:
        end = time.monotonic() + 120
        while running.poll() is None and not list(tmp_path.glob(".out.*")):
            assert time.monotonic() < end, "nothing was ever written"
            time.sleep(0.001)
        assert interrupt(running) == INTERRUPTED
    assert names(tmp_path) == ["out"]
    assert names(out) == ["report.html", "run.json"]
    assert (out / "report.html").read_text() == "of then"


@pytest.fixture
def small_disk(tmp_path):
    """Return a function that mounts a disk of some KiB; unmounted in the end."""
    if not shutil.which("mount") or os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mounted = []

    def mount(size: int) -> Path:
        disk = tmp_path / f"disk{size}"
        disk.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(disk)], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip(f"no small disk can be mounted: {done.stderr.decode().strip()}")
        mounted.append(disk)
        return disk

    yield mount
    for disk in mounted:
        subprocess.run(["umount", str(disk)], check=True)


def test_full_disk(quick, small_disk):
    """Full at the folder, at the tables, at the GeoPackage: exit 1, one line, nothing left over."""
    for size in (8, 128, 220):
        disk = small_disk(size)
        done = quick("report", TOY, PLAN, "--draws", 0, "-o", "out", cwd=disk)
        assert done.status == 1, (size, done.out, done.err)
        assert done.out == ""
        assert len(done.errors) == 1, (size, done.err)
        assert done.errors[0].startswith("error: out: "), done.errors
        assert names(disk) == []


def test_full_disk_for_a_template(quick, small_disk):
    disk = small_disk(16)
    done = quick("new", "mine", "--excel", cwd=disk)
    assert (done.status, done.err) == (1, "error: mine: No space left on device\n")
    assert names(disk) == []


def test_files_that_may_not_grow(start, tmp_path):
    """The limit that a batch system sets on the size of files does the same as a full disk."""
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    with start("report", TOY, PLAN, "--draws", 0, "-o", tmp_path / "out", preexec_fn=limit) as running:
        out, err = running.communicate(timeout=300)
    assert running.returncode == 1
    assert out == ""
    errors = [line for line in err.splitlines() if not line.startswith("note: ")]
    assert len(errors) == 1
    assert errors[0].startswith(f"error: {tmp_path / 'out'}: ")
    assert names(tmp_path) == []


def test_full_disk_behind_stdout(start):
    """A result that could not be delivered is a failure."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full on this machine")
    for more in ((), ("--json",)):
        with Path("/dev/full").open("w") as full, start("check", TOY, *more, stdout=full) as running:
            _, err = running.communicate(timeout=120)
        assert (running.returncode, err) == (1, "error: No space left on device\n")


def test_output_that_nobody_takes(start):
    """A reader that closes the pipe, as ``head`` does, is no reason for a traceback."""
    with start("clusters", TOY, "--json") as running:
        running.stdout.close()
        err = running.stderr.read()
    assert running.returncode == 1
    assert [line for line in err.splitlines() if not line.startswith("note: ")] == []
