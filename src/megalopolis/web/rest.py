"""REST: regions, plans, evaluations as jobs, and their files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import yaml
from fastapi import APIRouter, Query, Request
from fastapi import Path as InPath
from fastapi.responses import FileResponse, HTMLResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from megalopolis.errors import Problem
from megalopolis.evaluation.answers.document import plain
from megalopolis.pillar import indicators
from megalopolis.web import documents
from megalopolis.web.desk import Desk
from megalopolis.web.guard import REPORT_HEADERS
from megalopolis.web.jobs import Job
from megalopolis.web.library import Library, NotFound
from megalopolis.web.views import FILES, OF_REPORT

RegionId = Annotated[str, InPath(max_length=100, description="Id of a region, from `/api/regions`.")]
PlanName = Annotated[
    str | None, Query(max_length=100, description="Hash or bundled name of a plan; left out: the reference case.")
]
YearQuery = Annotated[int, Query(ge=1800, le=2200)]
EvaluationId = Annotated[str, InPath(pattern=r"^[0-9a-f]{32}$")]


class Errors(BaseModel):
    """What is wrong, a line each."""

    error: list[str]


class PlanSent(BaseModel):
    """A plan to be checked and kept: as a document, or as the text of a plan file."""

    model_config = ConfigDict(extra="forbid")

    region: str = Field(max_length=100)
    plan: dict[str, Any] | None = None
    yaml: str | None = Field(default=None, max_length=2**20)


class Wanted(BaseModel):
    """What to evaluate."""

    model_config = ConfigDict(extra="forbid")

    region: str = Field(max_length=100)
    plan: str | None = Field(default=None, max_length=100, description="Hash or bundled name; none: the reference case")
    year: int | None = Field(default=None, ge=1800, le=2200, description="Default the plan's last, else today")


class JobState(BaseModel):
    """Where a job stands."""

    id: str
    kind: str
    state: Literal["queued", "running", "done", "failed", "refused", "cancelled"]
    stage: str
    done: int
    total: int
    error: list[str]
    revision: int


REFUSED: dict[int | str, dict[str, Any]] = {
    code: {"model": Errors, "description": text}
    for code, text in {
        400: "The body is not JSON",
        403: "Foreign origin or host",
        404: "There is no such thing",
        409: "Not finished",
        413: "The body is too large",
        422: "What is sent is not valid",
        429: "Too many jobs wait",
    }.items()
}
router = APIRouter(prefix="/api", responses=REFUSED)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def _library(request: Request) -> Library:
    return _desk(request).library


@router.get("/regions", tags=["regions"])
def regions(request: Request) -> list[dict[str, Any]]:
    """Regions that are served; the first is the one that the page opens with."""
    library = _library(request)
    found = []
    for id_ in library.sources:
        meta = library.region(id_).meta
        found.append({"id": id_, "name": meta.name, "names": meta.names, "plans": library.bundled(id_)})
    return found


@router.get("/regions/{region}", tags=["regions"])
def region_of(request: Request, region: RegionId) -> dict[str, Any]:
    """Cities, planned clusters, rivers, sections and the registry of indicators of a region."""
    library = _library(request)
    return documents.region_document(region, library.region(region), library.bundled(region))


@router.get("/regions/{region}/land", tags=["regions"])
def land(request: Request, region: RegionId) -> dict[str, Any]:
    """Land about a region as GeoJSON (Natural Earth, public domain)."""
    return documents.land_document(_library(request).region(region))


@router.get("/regions/{region}/lines", tags=["regions"])
def lines(request: Request, region: RegionId, year: YearQuery) -> list[dict[str, Any]]:
    """Rail lines of the reference case in a year."""
    return documents.lines_document(_library(request).region(region), year)


@router.get("/regions/{region}/why/{indicator}", tags=["regions"])
def why(request: Request, region: RegionId, indicator: Annotated[str, InPath(max_length=100)]) -> dict[str, Any]:
    """Definition of an indicator, the parameters behind it and the sources of its tables."""
    if indicator not in indicators():
        raise NotFound(Problem("", f"there is no indicator '{indicator[:60]}'", "see the region's indicators"))
    return documents.why_document(_library(request).region(region), indicator)


@router.get("/regions/{region}/minutes", tags=["regions"])
def minutes(
    request: Request,
    region: RegionId,
    place: Annotated[str, Query(max_length=100)],
    year: YearQuery,
    plan: PlanName = None,
) -> dict[str, Any]:
    """Door-to-door minutes from a city to all others, in the reference case and with a plan."""
    desk = _desk(request)
    found = {}
    ids: tuple[str, ...] = ()
    for case, name in (("baseline", None), ("plan", plan)):
        if case == "plan" and plan is None:
            continue
        matrix = desk.travel(region, name, year).travel_times
        ids = tuple(matrix.index)
        if place not in ids:
            raise NotFound(Problem("", f"there is no city '{place[:60]}'", "give the id of a city"))
        found[case] = np.round(matrix.loc[place].to_numpy(float), 2).tolist()
    return plain({"place": place, "year": year, "cities": ids, **found})  # type: ignore[no-any-return]


@router.get("/regions/{region}/isochrones", tags=["regions"])
def isochrones_of(
    request: Request,
    region: RegionId,
    place: Annotated[str, Query(max_length=100)],
    year: YearQuery,
    plan: PlanName = None,
) -> dict[str, Any]:
    """Land reached from a city within 1, 2 and 3 hours as GeoJSON, with the cities and residents in it."""
    desk = _desk(request)
    state = desk.library.region(region)
    if place not in state.names.ids:
        raise NotFound(Problem("", f"there is no city '{place[:60]}'", "give the id of a city"))
    return documents.isochrones_document(desk.travel(region, plan, year), place)


@router.post("/plans", tags=["plans"], status_code=201)
def send_plan(request: Request, sent: PlanSent) -> dict[str, Any]:
    """Check a plan against a region and keep it under its hash."""
    library = _library(request)
    if (sent.plan is None) == (sent.yaml is None):
        raise HTTPException(422, "give either plan or yaml")
    plan = library.keep(sent.region, sent.plan if sent.plan is not None else sent.yaml or "")
    return documents.plan_document(sent.region, library.region(sent.region), plan)


@router.get("/plans/{name:path}", tags=["plans"])
def plan_of(
    request: Request,
    name: Annotated[str, InPath(max_length=100)],
    form: Annotated[Literal["json", "yaml"], Query()] = "json",
) -> Any:
    """Return a plan by its hash or bundled name: described as JSON, or as the YAML of a plan file."""
    library = _library(request)
    kept = library.kept(name)
    if form == "yaml":
        text = yaml.safe_dump(kept.plan.document(), allow_unicode=True, sort_keys=False, width=110)
        headers = {"content-disposition": 'attachment; filename="plan.yaml"'}
        return Response(text, media_type="application/yaml; charset=utf-8", headers=headers)
    return documents.plan_document(kept.region, library.region(kept.region), kept.plan)


@router.post("/evaluations", tags=["evaluations"], status_code=202, response_model=JobState)
async def evaluate(request: Request, wanted: Wanted) -> dict[str, Any]:
    """Ask for the evaluation of a plan in a year; the same question has the same id."""
    return (await _desk(request).evaluation(wanted.region, wanted.plan, wanted.year, "rest")).record()


@router.get("/evaluations/{id}", tags=["evaluations"], response_model=JobState)
async def evaluation(request: Request, id: EvaluationId) -> dict[str, Any]:  # noqa: A002
    """Say where an evaluation stands."""
    return _job(request, id).record()


@router.delete("/evaluations/{id}", tags=["evaluations"], response_model=JobState)
async def cancel(request: Request, id: EvaluationId) -> dict[str, Any]:  # noqa: A002
    """Withdraw an evaluation asked for by POST; it goes on if somebody else waits for it."""
    job = _job(request, id)
    _desk(request).jobs.cancel(id, "rest")
    return job.record()


@router.get("/evaluations/{id}/view", tags=["evaluations"])
async def view(request: Request, id: EvaluationId) -> Response:  # noqa: A002
    """All values by place and indicator, as far as they are computed."""
    job = _job(request, id)
    if job.content is None:
        raise HTTPException(409, f"the evaluation is {job.state}")
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(job.content, media_type="application/json", headers={"content-encoding": "gzip"})
    return Response(gzip.decompress(job.content), media_type="application/json")


@router.get("/evaluations/{id}/files/{name}", tags=["evaluations"])
async def file(request: Request, id: EvaluationId, name: Annotated[str, InPath(max_length=40)]) -> Response:  # noqa: A002
    """A file of an evaluation: ledger, answers as ``--json`` prints them, GeoPackage, workbook, report."""
    if name not in FILES:
        raise NotFound(Problem("", f"there is no file '{name}'", f"files: {', '.join(FILES)}"))
    job, jobs = _job(request, id), _desk(request).jobs
    if job.state != "done":
        raise HTTPException(409, f"the evaluation is {job.state}")
    whole = name in OF_REPORT
    made = await jobs.wait(_desk(request).file(job, name, whole=whole, who="rest"))
    if made.state != "done":
        raise HTTPException(409 if made.state == "cancelled" else 422, "; ".join(made.error) or made.state)
    path = Path(made.task["path"])
    path = path / name if whole else path
    if name.startswith("report") and name.endswith("html"):
        return HTMLResponse(path.read_bytes(), headers=REPORT_HEADERS)
    return FileResponse(path, media_type=FILES[name], filename=name)


def _job(request: Request, id_: str) -> Job:
    job = _desk(request).jobs.kept.get(id_)
    if job is None:
        raise NotFound(Problem("", f"there is no evaluation '{id_}' here", "ask for it again"))
    return job


@router.get("/docs", include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """List the API; the page needs nothing from elsewhere."""
    return HTMLResponse(documents.api_page(request.app.openapi()))
