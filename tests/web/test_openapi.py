"""The API does what its OpenAPI document says, also for requests that nobody would send (Schemathesis)."""

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]


def test_answers_are_those_described(toy_server) -> None:
    schema = schemathesis.openapi.from_url(f"{toy_server.url}/api/openapi.json")
    tried = []

    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def answers(case: schemathesis.Case) -> None:
            case.validate_response(case.call(timeout=60), checks=CHECKS)

        answers()
        tried.append(operation.label)
    assert len(tried) >= 12


def test_the_page_of_the_api_lists_every_path(api) -> None:
    page = api.get("/api/docs").text
    for path in api.get("/api/openapi.json").json()["paths"]:
        assert path in page
    assert "https://" not in page.replace("https://spec", "")
