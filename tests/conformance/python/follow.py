"""Starts, follows and cancels runs with the generated client, and reads every answer with pydantic."""

import os
import time
import uuid
from typing import TypeVar

import httpx
import integrators
import models
from pydantic import BaseModel
from tenantatlas import AuthenticatedClient
from tenantatlas.api.inventory_sync import start_inventory_sync
from tenantatlas.api.operation_runs import cancel_operation_run, get_operation_run
from tenantatlas.api.operation_runs import list_operation_run_events, list_operation_run_results
from tenantatlas.models import Event, OperationRun, OperationRunResultPage, Problem, RunProblem, StartedRun
from tenantatlas.types import UNSET, Unset

URL = os.environ["CONFORMANCE_URL"]
TENANT = uuid.UUID(os.environ["CONFORMANCE_TENANT"])
TOKEN = os.environ["CONFORMANCE_TOKEN"]
OTHER_TOKEN = os.environ["CONFORMANCE_OTHER_TOKEN"]
# How long a sync of the simulated tenant may take, in seconds.
LIMIT = 120

Model = TypeVar("Model", bound=BaseModel)


def start(client: AuthenticatedClient, key: str) -> OperationRun:
    answer = start_inventory_sync.sync(TENANT, client=client, idempotency_key=key)
    assert isinstance(answer, StartedRun), answer
    return answer.run


def follow(client: AuthenticatedClient, run: uuid.UUID) -> list[Event]:
    """All events of the run, once it has ended."""
    found: list[Event] = []
    cursor: str | Unset = UNSET
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        page = list_operation_run_events.sync(run, client=client, cursor=cursor)
        assert page is not None and not isinstance(page, Problem), page
        found.extend(page.items)
        if found and found[-1].type_ == "operation_run.completed":
            return found
        cursor = page.next_cursor
        if not page.has_more:
            time.sleep(0.5)
    raise TimeoutError(f"{run} has not ended: {found}")


def follows_a_run_to_its_end(client: AuthenticatedClient) -> None:
    key = str(uuid.uuid4())
    run = start(client, key)
    assert start(client, key).id == run.id
    events = follow(client, run.id)
    assert events[0].type_ == "operation_run.queued", events[0]
    assert events[-1].data.outcome == "succeeded", events[-1]
    results = list_operation_run_results.sync(run.id, client=client)
    assert isinstance(results, OperationRunResultPage) and results.items, results
    refused = cancel_operation_run.sync(run.id, client=client)
    assert isinstance(refused, RunProblem), refused
    assert refused.code == "run_already_terminal" and refused.run, refused


def cancels_a_run(client: AuthenticatedClient) -> None:
    run = start(client, str(uuid.uuid4()))
    cancelled = cancel_operation_run.sync(run.id, client=client)
    assert isinstance(cancelled, OperationRun), cancelled
    assert follow(client, run.id)[-1].data.outcome == "cancelled"


def refuses_a_stranger(client: AuthenticatedClient, stranger: AuthenticatedClient) -> None:
    run = start(client, str(uuid.uuid4()))
    hidden = get_operation_run.sync(run.id, client=stranger)
    assert isinstance(hidden, Problem) and hidden.status == 404, hidden
    cancel_operation_run.sync(run.id, client=client)
    follow(client, run.id)


def reads_answers_with_pydantic(api: httpx.Client) -> None:
    def read(path: str, model: type[Model], status: int = 200) -> Model:
        answer = api.get(path)
        assert answer.status_code == status, answer.text
        return model.model_validate_json(answer.content)

    tenant = f"/tenants/{TENANT}"
    read("/me", models.Me)
    read("/policy-types", models.PolicyTypeList)
    read(tenant, models.Tenant)
    runs = read("/operation-runs", models.OperationRunPage)
    assert runs.items
    items = read(f"{tenant}/inventory-items", models.InventoryItemPage).items
    item = f"{tenant}/inventory-items/{items[0].id}"
    read(f"{item}/content", models.InventoryItemContent)
    read(f"{item}/versions", models.InventoryItemVersionPage)
    read(f"{tenant}/inventory-changes", models.InventoryChangePage)
    read(f"{tenant}/events", models.EventList)
    read("/me/notifications", models.NotificationPage)
    problem = read(f"{tenant}?nonsense=1", models.Problem, 400)
    assert problem.errors and problem.errors[0].parameter == "nonsense"


def does_what_the_guide_says(api: httpx.Client) -> None:
    key = str(uuid.uuid4())
    run = integrators.sync(api, str(TENANT), key)
    assert run["outcome"] == "succeeded", run
    assert integrators.sync(api, str(TENANT), key)["id"] == run["id"]
    log = list(integrators.events(api, str(TENANT), None))
    of_run = [event["type"] for event in log if event.get("operation_run_id") == run["id"]]
    assert of_run[0] == "operation_run.queued" and "operation_run.completed" in of_run, of_run
    middle = log[len(log) // 2]
    rest = list(integrators.events(api, str(TENANT), middle["cursor"]))
    assert [event["id"] for event in rest] == [event["id"] for event in log[len(log) // 2 + 1 :]]


def main() -> None:
    client = AuthenticatedClient(base_url=URL, token=TOKEN)
    stranger = AuthenticatedClient(base_url=URL, token=OTHER_TOKEN)
    follows_a_run_to_its_end(client)
    cancels_a_run(client)
    refuses_a_stranger(client, stranger)
    with httpx.Client(base_url=URL, headers={"Authorization": f"Bearer {TOKEN}"}) as api:
        reads_answers_with_pydantic(api)
        does_what_the_guide_says(api)
    print("Python: started, followed, cancelled and read as described")


main()
