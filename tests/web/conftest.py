from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from web_server import Server

TOY = Path(__file__).parent.parent / "toy"


@pytest.fixture(scope="session")
def toy_server(tmp_path_factory) -> Iterator[Server]:
    server = Server(str(TOY / "region"), tmp_path_factory.mktemp("cache"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def api(toy_server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=toy_server.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def sent(api) -> dict:
    """The toy plan, sent to the server as YAML."""
    answer = api.post("/api/plans", json={"region": "region", "yaml": (TOY / "plan.yaml").read_text("utf-8")})
    assert answer.status_code == 201, answer.text
    return answer.json()
