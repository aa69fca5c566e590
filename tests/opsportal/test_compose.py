"""docker-compose.yml: what its schema cannot see, and what we promise about hardening."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if "build" in service]


def named_volumes(service: dict[str, Any]) -> set[str]:
    sources = [str(volume).split(":", 1)[0] for volume in service.get("volumes", [])]
    return {source for source in sources if not source.startswith((".", "/", "~"))}


def test_it_is_valid_by_the_compose_specification() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*check, ROOT / "docker-compose.yml"], capture_output=True)
    assert done.returncode == 0, done.stdout.decode()


def test_it_has_a_database_a_migration_a_web_process_and_a_worker() -> None:
    assert set(SERVICES) == {"db", "migrate", "web", "worker"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_waits_only_for_services_that_exist_and_can_fulfil_it(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        assert other in SERVICES
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]
        if how["condition"] == "service_completed_successfully":
            assert SERVICES[other]["restart"] == "no"


def test_every_named_volume_is_declared_and_used() -> None:
    used = set().union(*(named_volumes(service) for service in SERVICES.values()))
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_runs_with_as_little_as_it_can(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert service["init"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    assert not {"SYS_ADMIN", "NET_ADMIN", "ALL"} & set(service.get("cap_add", []))


def test_only_the_web_process_is_reachable_and_by_default_from_this_machine_alone() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
    assert SERVICES["web"]["ports"] == ["${PUBLISH:-127.0.0.1:8000}:8000"]


def test_the_worker_has_time_to_finish_its_task() -> None:
    assert int(SERVICES["worker"]["stop_grace_period"].rstrip("s")) > 30


def test_no_secret_is_written_down() -> None:
    text = (ROOT / "docker-compose.yml").read_text() + (ROOT / "Dockerfile").read_text()
    for value in re.findall(r"PASSWORD: (.+)", text):
        assert value.startswith("${POSTGRES_PASSWORD:?")
    assert not re.search(r"^ENV .*(SECRET|PASSWORD|TOKEN)", text, re.MULTILINE)


def test_what_the_image_copies_is_let_through_and_exists() -> None:
    let_through = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = re.findall(r"^COPY (?!--from)(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert set(copied) == let_through
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_image_runs_as_an_unprivileged_user() -> None:
    users = re.findall(r"^USER (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users[-1:] == ["10001"]


@pytest.mark.parametrize("hosts", ["ops.example.org", ".example.org,other", "*"])
def test_the_health_check_of_the_web_process_is_a_program_that_runs(hosts: str) -> None:
    command = SERVICES["web"]["healthcheck"]["test"]
    assert command[:3] == ["CMD", "python", "-c"]
    program = command[3].replace("8000", "1")  # nobody listens there
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"ALLOWED_HOSTS": hosts},
        capture_output=True,
        text=True,
    )
    assert "ConnectionRefusedError" in done.stderr
