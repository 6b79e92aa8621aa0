"""A real server in a process of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx


@dataclass
class Server:
    """A real server in a process of its own, on a free port."""

    region: str
    cache: Path
    port: int = 0
    process: subprocess.Popen[str] | None = None
    log: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def start(self) -> None:
        command = [sys.executable, "-c", "from megalopolis.cli import main; main()", "serve", self.region]
        command += ["--no-browser", "--port", str(self.port)]
        self.process = subprocess.Popen(
            command,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "MEGALOPOLIS_CACHE": str(self.cache), **self.environment},
            start_new_session=True,
        )
        for line in self.process.stderr:
            self.log.append(line)
            if found := re.search(r"http://localhost:(\d+)/", line):
                self.port = int(found[1])
                break
        for _ in range(200):
            try:
                httpx.get(f"{self.url}/api/openapi.json", timeout=5)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("".join(self.log))

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End the server; SIGKILL ends it, and its worker, without a chance to say goodbye."""
        os.killpg(self.process.pid, how)
        self.process.wait(20)
        self.process.stderr.close()

    def memory_mb(self) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) / 1024

    def evaluated(self, plan: str | None, year: int | None = None, region: str | None = None) -> dict:
        """Ask for an evaluation, wait for it, and return its view."""
        wanted = {"region": region or Path(self.region).stem, "plan": plan, "year": year}
        job = httpx.post(f"{self.url}/api/evaluations", json=wanted, timeout=60).json()
        for _ in range(1200):
            job = httpx.get(f"{self.url}/api/evaluations/{job['id']}", timeout=60).json()
            if job["state"] not in {"queued", "running"}:
                break
            time.sleep(0.1)
        assert job["state"] == "done", job
        return httpx.get(f"{self.url}/api/evaluations/{job['id']}/view", timeout=60).json() | {"id": job["id"]}
