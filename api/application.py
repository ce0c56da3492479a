"""The application (应用): all rooms under one roof. A route that nobody gave a policy keeps it from being made."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import anyio.to_thread
from fastapi import FastAPI
from fastapi.routing import APIRoute

from api import problems
from api.document import complete
from api.endpoints import Policy, Room
from api.link import Link
from api.observing import Observing
from api.ready import Ready
from api.routes import ROOMS
from api.work import Work
from repository.archive import Served
from repository.errors import ArchiveError
from repository.services import accessions, tasks
from repository.services.deposit import take_in, unfinished_deposits
from repository.services.dissemination import make_dip, tidy, unfinished_dips
from repository.services.session import SOFTWARE_VERSION

THREADS = 8
"""Requests that are in services at one time; each has connections of its own to the log and the catalogue."""


def application(
    served: Served, *, link: Link | None = None, rooms: Iterable[Room] = ROOMS, recover: bool = True
) -> FastAPI:
    """The ASGI application over an open archive. `route-without-policy` names a route that would be anybody's."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        work.start(asyncio.get_running_loop())
        if recover:
            await anyio.to_thread.run_sync(take_up, served, work)
        yield
        await anyio.to_thread.run_sync(work.stop)

    work = Work()
    app = FastAPI(
        title="金匮 Jingui",
        version=SOFTWARE_VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.state.served, app.state.work, app.state.link = served, work, link
    app.state.policies = {}
    for room in rooms:
        app.router.routes.extend(room.router.routes)
        app.state.policies |= room.policies
    problems.install(app)
    expect_policies(app, app.state.policies)
    app.state.document = complete(app)
    app.add_middleware(Observing)
    app.add_middleware(Ready, served=served)
    return app


def expect_policies(app: FastAPI, policies: Mapping[tuple[str, str], Policy]) -> None:
    """Refuse an application with a way in that nobody stated a policy for."""
    for route in app.routes:
        methods = (route.methods if isinstance(route, APIRoute) else None) or {"-"}
        for method in methods:
            if (method, getattr(route, "path", "-")) not in policies:
                raise ArchiveError("route-without-policy", f"{method} {getattr(route, 'path', route)}")


def take_up(served: Served, work: Work) -> None:
    """Queue what an earlier process left unfinished; it is done in the name of whoever started this one."""
    tidy(served.base)
    tasks.clear_tasks(served.base)
    for request in unfinished_dips(served.base):
        work.put(request, partial(make_dip, served.base, request))
    for deposit in unfinished_deposits(served.base):
        work.put(deposit, partial(take_in, served.base, deposit))
    for task in tasks.unfinished_tasks(served.base):
        given_up = partial(tasks.fail_task, served.base, task)
        work.put(task, partial(tasks.do_task, served.base, task), long=True, given_up=given_up)
    for accession in accessions.undone(served.base):
        work.put(accession, partial(accessions.take_up, served.base, accession))
