"""People and surfaces from a pasted table: what would change, and that exactly this changes."""

from __future__ import annotations

import csv

import pytest
from django.test import Client

from apps.accounts.models import Person, Team
from apps.core import audit, clock
from apps.notifications import services as notifications
from apps.notifications.models import Invitation, Message
from apps.ownership import selectors as ownership
from apps.ownership import services as owning
from apps.ownership.models import OwnershipAssignment, Position, Surface
from apps.portal import importing
from apps.portal.importing import Known, KnownPerson, KnownSurface, KnownTeam, PasteError, Plan
from tests import builders as build
from tests.conftest import Cast

ZONES = {"utc": "UTC", "europe/berlin": "Europe/Berlin", "asia/kolkata": "Asia/Kolkata"}
ROLES = {"manager": "manager", "responder": "responder", "viewer": "viewer"}
ROLES |= {"support_agent": "support_agent", "maintainer": "maintainer"}
MAYA = KnownPerson(
    email="maya@example.com",
    name="Maya Lind",
    roles=frozenset({"manager"}),
    teams=frozenset(),
    time_zone="UTC",
)
EMPTY = Known(
    people={"maya@example.com": MAYA},
    teams={},
    surfaces={},
    positions={},
    roles=ROLES,
    kinds={"service": "service", "engine": "engine", "rule_set": "rule_set"},
    zones=ZONES,
    importer="maya@example.com",
)
BOTH = """name,email,roles,teams,time_zone
Ravi Rao,ravi@example.com,responder,Inspect,Europe/Berlin
Bea Bell,BEA@example.com,"responder, maintainer","Inspect, Platform",

surface,name,tier,kind,team,primary,backup,lead
inspect.profiler,Profiler,1,engine,Inspect,ravi@example.com,Bea Bell,Ravi Rao
"""

# The same for a site where the cast is: nobody of it is meant.
OTHERS = (
    BOTH.replace("ravi@", "nia@").replace("BEA@", "tom@")
    .replace("Ravi Rao", "Nia N.").replace("Bea Bell", "Tom T.")
)  # fmt: skip


def known(**changes: object) -> Known:
    return Known(**{**EMPTY.__dict__, **changes})


def verdicts(plan: Plan) -> list[tuple[int, str]]:
    return [(row.line, row.verdict) for row in plan.rows]


def reasons(text: str, site: Known = EMPTY) -> list[str]:
    """Every reason for which a line of `text` is refused."""
    return [reason for row in importing.plan(text, site).rows for reason in row.reasons]


# -- reading


def test_two_tables_in_one_paste_are_planned_with_their_teams_and_leads() -> None:
    plan = importing.plan(BOTH, EMPTY)
    assert verdicts(plan) == [(2, "new"), (3, "new"), (6, "new")]
    assert plan.teams == {"inspect": "Inspect", "platform": "Platform"}
    assert plan.leads == {"inspect": "ravi@example.com"}
    bea, surface = plan.people[1], plan.surfaces[0]
    assert (bea.email, bea.roles) == ("bea@example.com", ("maintainer", "responder"))
    assert bea.join == ("inspect", "platform")
    assert (surface.tier, surface.kind, surface.team) == (1, "engine", "inspect")
    assert surface.owners == {"primary": "ravi@example.com", "backup": "bea@example.com"}


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_any_of_the_three_separators_reads_the_same(mark: str) -> None:
    text = (
        mark.join(["name", "e-mail", "role"])
        + "\n"
        + mark.join(["Ravi Rao", "ravi@example.com", "viewer"])
    )
    row = importing.plan(text, EMPTY).people[0]
    assert (row.verdict, row.name, row.roles) == ("new", "Ravi Rao", ("viewer",))


@pytest.mark.parametrize(
    ("text", "people", "surfaces"),
    [
        ("Ravi Rao,ravi@example.com", 1, 0),
        ("ravi@example.com,Ravi Rao", 1, 0),
        ("inspect.profiler,Profiler,1,engine,,maya@example.com", 0, 1),
        ("Ravi Rao,ravi@example.com\ninspect.profiler,Profiler", 1, 1),
        ("\ufeffFull name;Email address;Timezone\nRavi Rao;ravi@example.com;utc", 1, 0),
        ("E-Mail\tName\nravi@example.com\tRavi Rao", 1, 0),
        ('name,email\n"Rao, Ravi",ravi@example.com', 1, 0),
        ("Key,Owner\ninspect.profiler,maya@example.com", 0, 1),
    ],
)
def test_a_line_of_column_names_is_optional_and_forgiving(
    text: str, people: int, surfaces: int
) -> None:
    plan = importing.plan(text, EMPTY)
    assert (len(plan.people), len(plan.surfaces), plan.refused) == (people, surfaces, 0)


def test_line_numbers_are_those_of_the_paste_also_after_cells_with_line_breaks() -> None:
    text = 'name,email\n"Ravi\nRao",ravi@example.com\n\nBea Bell,bea@example.com\n'
    plan = importing.plan(text, EMPTY)
    assert [(row.line, row.name) for row in plan.people] == [(2, "Ravi Rao"), (5, "Bea Bell")]


def test_a_column_that_is_not_known_is_named_and_left_out() -> None:
    plan = importing.plan("name,email,phone\nRavi,ravi@example.com,123", EMPTY)
    assert plan.remarks == ("Line 1: “phone” is no column of this table and is left out.",)
    assert verdicts(plan) == [(2, "new")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no line with a person"),
        ("\n , ,\n", "no line with a person"),
        ("name,email", "no line with a person"),
        ('Ravi Rao,"ravi@example.com', "quotation mark"),
        ("a,b@example.com\n" * 2001, "More than 2,000 lines"),
        ("x" * (1024 * 1024 + 1), "more than 1 MiB"),
        ("Ravi," + "x" * 200_000, "far too long"),
    ],
)
def test_a_paste_that_cannot_be_read_says_why(text: str, says: str) -> None:
    with pytest.raises(PasteError, match=says):
        importing.plan(text, EMPTY)


def test_a_cell_that_is_too_long_is_refused_whatever_the_csv_module_would_take() -> None:
    before = csv.field_size_limit(10_000_000)  # as the import of tickets leaves it
    try:
        with pytest.raises(PasteError, match="far too long"):
            importing.plan("Ravi," + "x" * 200_000, EMPTY)
    finally:
        csv.field_size_limit(before)


# -- refusing


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name,email\nRavi,", "needs an e-mail address"),
        ("name,email\n,ravi@example.com", "needs a name"),
        ("Ravi,ravi@localhost", "is not an e-mail address"),
        ("Ravi,ravi@@example.com", "is not an e-mail address"),
        ("name,email,roles\nRavi,ravi@example.com,boss", "There is no role “boss”"),
        ("name,email,roles,teams,zone\nR,r@example.com,,,Mars/Base", "is not a time zone"),
        ("Ravi,r@example.com\nRavi,R@example.com", "is on line 1 already"),
        ("=1+1,ravi@example.com", "begins like a spreadsheet formula"),
        ("@ravi,ravi@example.com", "begins like a spreadsheet formula"),
        ("Maya,maya@example.com,viewer", "cannot take the manager role from yourself"),
        ("name,email\nRavi,ravi@example.com,more", "More cells than columns"),
        ("Ravi,ravi@example.com,viewer,!!!", "cannot be the name of a team"),
        ("surface,tier\ninspect.profiler,7", "is not a tier"),
        ("surface,kind\ninspect.profiler,spaceship", "There is no kind “spaceship”"),
        ("surface,name\nInspect Profiler,x", "cannot be a key"),
        ("surface,primary\ninspect,olu@example.com", "nobody here"),
        ("surface,primary,backup\ninspect,Maya Lind,maya@example.com", "two people"),
        ("surface,lead\ninspect,Maya Lind", "A lead needs a team"),
        ("a.b,First,1\na.b,Again,2", "is on line 1 already"),
        ("just some words", "neither a person"),
    ],
)
def test_a_line_is_refused_with_the_reason(text: str, says: str) -> None:
    found = reasons(text)
    assert len(found) == 1, found
    assert says in found[0]


def test_a_refused_person_owns_nothing_on_a_later_line() -> None:
    plan = importing.plan(
        "name,email,roles\nRavi,ravi@example.com,boss\nsurface,primary\ninspect,Ravi", EMPTY
    )
    assert verdicts(plan) == [(2, "refused"), (4, "refused")]
    assert plan.teams == {}


@pytest.mark.parametrize(
    ("state", "says"), [("gone", "was deactivated"), ("demo", "belongs to a demo person")]
)
def test_people_who_are_gone_or_demo_are_left_alone(state: str, says: str) -> None:
    olu = KnownPerson(
        email="olu@example.com", name="Olu", roles=frozenset(), teams=frozenset(),
        time_zone="UTC", state=state,  # type: ignore[arg-type]
    )  # fmt: skip
    site = known(people={**EMPTY.people, "olu@example.com": olu})
    assert says in reasons("Olu,olu@example.com", site)[0]
    assert "cannot own a surface" in reasons("surface,primary\na,olu@example.com", site)[0]


def test_two_leads_of_one_team_are_refused_on_the_second_line() -> None:
    text = "Ravi,ravi@example.com\nsurface,team,lead\na,Inspect,Ravi\nb,Inspect,Maya Lind"
    plan = importing.plan(text, EMPTY)
    assert verdicts(plan)[1:] == [(3, "new"), (4, "refused")]


def test_a_name_that_two_people_share_must_be_an_address() -> None:
    twin = KnownPerson(
        email="m2@example.com", name="Maya Lind", roles=frozenset(), teams=frozenset(),
        time_zone="UTC",
    )  # fmt: skip
    site = known(people={**EMPTY.people, "m2@example.com": twin})
    assert "Several people" in reasons("surface,primary\na,maya lind", site)[0]


# -- comparing


def test_the_same_values_again_change_nothing_and_empty_cells_leave_what_is_there() -> None:
    site = known(
        teams={"inspect": KnownTeam(key="inspect", name="Inspect", lead="maya@example.com")},
        surfaces={
            "a": KnownSurface(
                key="a", name="A", kind="engine", tier=1, team="inspect",
                primary="maya@example.com",
            )
        },
    )  # fmt: skip
    for text in ("Maya Lind,maya@example.com", "maya@example.com,Maya Lind,manager,,UTC",
                 "surface,name,tier,kind,team,primary,backup,lead\na,A,T1,Engine,inspect,,-,",
                 "a,A"):  # fmt: skip
        plan = importing.plan(text, site)
        assert [row.verdict for row in plan.rows] == ["same"], text
        assert (plan.changes, plan.teams, plan.leads) == (0, {}, {})


def test_a_change_shows_what_it_was() -> None:
    row = importing.plan("maya@example.com,Maya L.,,Inspect,Europe/Berlin", EMPTY).people[0]
    assert row.verdict == "change"
    assert [(cell.value, cell.was) for cell in row.cells] == [
        ("Maya L.", "Maya Lind"),
        ("maya@example.com", ""),
        ("manager", ""),
        ("inspect", "nothing"),
        ("Europe/Berlin", "UTC"),
    ]
    assert (row.roles, row.join, row.time_zone) == (None, ("inspect",), "Europe/Berlin")


def test_a_position_owns_by_its_key_and_its_holder_counts_as_the_same_person() -> None:
    site = known(positions={"head": "maya@example.com"})
    text = "surface,primary,backup\na,head,maya@example.com\nb,position:head,"
    plan = importing.plan(text, site)
    assert verdicts(plan) == [(2, "refused"), (3, "new")]
    assert plan.surfaces[1].owners == {"primary": "position:head"}


def test_the_digest_changes_with_the_site_and_not_with_the_looking() -> None:
    first = importing.plan(BOTH, EMPTY).digest
    assert importing.plan(BOTH, EMPTY).digest == first
    moved = known(people={**EMPTY.people, "ravi@example.com": KnownPerson(
        email="ravi@example.com", name="Ravi", roles=frozenset(), teams=frozenset(),
        time_zone="UTC")})  # fmt: skip
    assert importing.plan(BOTH, moved).digest != first


# -- the page


def paste(client: Client, text: str, do: str = "check", **more: str):
    return client.post("/people/import/", {"table": text, "do": do, **more})


def apply(client: Client, text: str, **more: str):
    """Look, then press the button, as the page does."""
    seen = paste(client, text).context["plan"].digest
    return paste(client, text, "apply", seen=seen, **more)


@pytest.fixture
def with_mail(db: None) -> None:
    notifications.save_site(
        values={"smtp_host": "smtp.example.com", "address": "https://ops.example.com"},
        now=clock.now(),
    )


def test_looking_saves_nothing(as_maya: Client, cast: Cast) -> None:
    before = Person.objects.get_queryset().count()
    page = paste(as_maya, OTHERS)
    assert page.status_code == 200
    assert "Import 3 lines" in page.content.decode()
    assert (Person.objects.get_queryset().count(), Surface.objects.count()) == (before, 0)


def test_applying_makes_people_teams_surfaces_owners_and_sends_invitations(
    as_maya: Client, cast: Cast, with_mail: None
) -> None:
    answer = apply(as_maya, OTHERS, invite="on")
    assert (answer.status_code, answer["Location"]) == (302, "/setup/")
    nia = Person.objects.active().get(email="nia@example.com")
    assert (nia.roles, nia.time_zone, nia.has_usable_password()) == (
        ["responder"], "Europe/Berlin", False,
    )  # fmt: skip
    team = Team.objects.get(key="inspect")
    assert (team.lead, set(team.members.values_list("name", flat=True))) == (
        nia, {"Nia N.", "Tom T."},
    )  # fmt: skip
    surface = Surface.objects.get()
    owners = ownership.owners(surface, at=clock.now())
    assert (surface.team, owners.primary, owners.backup.name) == (team, nia, "Tom T.")
    assert Invitation.objects.count() == 2
    told = Message.objects.filter(what="invitation").values_list("address_hint", flat=True)
    assert sorted(told) == ["n…a@example.com", "t…m@example.com"]


def test_the_same_paste_again_changes_nothing(as_maya: Client, cast: Cast) -> None:
    apply(as_maya, BOTH)
    page = paste(as_maya, BOTH)
    assert (page.context["plan"].changes, page.context["plan"].refused) == (0, 0)
    assert "would change nothing" in page.content.decode()
    rows = OwnershipAssignment.objects.count()
    apply(as_maya, BOTH)
    assert OwnershipAssignment.objects.count() == rows


def test_primary_and_backup_can_change_places_in_one_line(as_maya: Client, cast: Cast) -> None:
    surface = build.surface("a", primary=cast.ravi, backup=cast.bea)
    apply(as_maya, "surface,primary,backup\na,bea@example.com,ravi@example.com")
    owners = ownership.owners(surface, at=clock.now())
    assert (owners.primary, owners.backup) == (cast.bea, cast.ravi)


def test_a_role_with_a_planned_change_is_refused(as_maya: Client, cast: Cast) -> None:
    surface = build.surface("a", primary=cast.ravi)
    owning.assign(
        surface=surface, role="primary", holder=cast.sam, actor=audit.SYSTEM,
        active_from=clock.now().replace(year=2099),
    )  # fmt: skip
    plan = paste(as_maya, "surface,primary\na,bea@example.com").context["plan"]
    assert "planned" in plan.surfaces[0].reasons[0]


def test_refused_lines_are_left_out_and_the_rest_is_done(as_maya: Client, cast: Cast) -> None:
    answer = apply(as_maya, "Nia,nia@example.com\nnonsense\nTom,tom@")
    assert answer.status_code == 302
    names = Person.objects.active().values_list("name", flat=True)
    assert "Nia" in names and "Tom" not in names


def test_a_site_that_changed_meanwhile_shows_the_plan_again(as_maya: Client, cast: Cast) -> None:
    text = "Nia,nia@example.com"
    seen = paste(as_maya, text).context["plan"].digest
    build.person("Nia N.", email="nia@example.com")
    page = paste(as_maya, text, "apply", seen=seen)
    assert page.status_code == 200
    assert "Something changed since you looked" in page.content.decode()


def test_no_invitation_goes_out_unless_it_is_ticked_and_mail_is_set_up(
    as_maya: Client, cast: Cast
) -> None:
    apply(as_maya, "Nia,nia@example.com", invite="on")  # no mail server
    notifications.save_site(values={"smtp_host": "smtp.example.com"}, now=clock.now())
    apply(as_maya, "Tom,tom@example.com")  # not ticked
    assert Invitation.objects.count() == 0
    apply(as_maya, "Ida,ida@example.com", invite="on")
    assert Invitation.objects.get().person.name == "Ida"


def test_positions_of_the_site_own_by_key(as_maya: Client, cast: Cast) -> None:
    position = Position.objects.create(key="head", name="Head")
    owning.hold_position(
        position=position, person=cast.bea, active_from=clock.now(), actor=audit.SYSTEM
    )
    apply(as_maya, "surface,primary,backup\na,head,ravi@example.com")
    row = OwnershipAssignment.objects.get(role="primary")
    assert (row.position, row.person) == (position, None)


def test_what_was_pasted_comes_back_escaped_and_as_csv_without_formulas(
    as_maya: Client, cast: Cast
) -> None:
    text = "<b>Nia</b>,nia@example.com\n=cmd|calc,eve@example.com"
    page = paste(as_maya, text).content.decode()
    assert "&lt;b&gt;Nia" in page and "<b>Nia" not in page
    file = paste(as_maya, text, "csv")
    assert file["Content-Type"] == "text/csv; charset=utf-8"
    assert "'=cmd|calc" in file.content.decode()


def test_a_paste_past_the_limit_is_refused_with_a_page_and_not_a_fault(
    as_maya: Client, cast: Cast
) -> None:
    answer = paste(as_maya, "x" * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert "Send it in parts" in answer.content.decode()


def test_only_managers_import(as_ravi: Client, cast: Cast) -> None:
    assert as_ravi.get("/people/import/").status_code == 403
    assert paste(as_ravi, "Nia,nia@example.com", "apply").status_code == 403
    assert not Person.objects.get_queryset().filter(name="Nia").exists()
    assert Client().get("/people/import/").status_code == 302


def test_two_thousand_lines_are_planned_and_most_of_them_shown_as_figures(
    as_maya: Client, cast: Cast
) -> None:
    text = "\n".join(f"Person {n},p{n}@example.com" for n in range(2000))
    page = paste(as_maya, text)
    assert page.context["plan"].changes == 2000
    assert "1800 more lines" in page.content.decode()


# -- by invitation


def test_inviting_one_person_adds_them_and_mails_a_link(
    as_maya: Client, cast: Cast, with_mail: None
) -> None:
    team = build.team()
    answer = as_maya.post(
        "/people/invite/",
        {"name": "Nia", "email": "Nia@Example.com", "roles": ["viewer"], "teams": [team.pk],
         "time_zone": "Europe/Berlin"},
    )  # fmt: skip
    assert (answer.status_code, answer["Location"]) == (302, "/people/")
    nia = Person.objects.active().get(email="nia@example.com")
    assert (nia.roles, list(nia.teams.all())) == (["viewer"], [team])
    mail = Message.objects.get(what="invitation", person=nia)
    assert mail.link.startswith("https://ops.example.com/join/")


def test_an_address_that_is_here_already_is_said_beside_the_field(
    as_maya: Client, cast: Cast
) -> None:
    page = as_maya.post(
        "/people/invite/",
        {"name": "R", "email": "RAVI@example.com", "roles": ["viewer"], "time_zone": "UTC"},
    )
    assert "already belongs to somebody" in str(page.context["form"].errors["email"])


def test_an_invitation_is_sent_again_only_to_those_who_have_not_come_in(
    as_maya: Client, cast: Cast, with_mail: None
) -> None:
    nia = build.person("Nia", password=None)
    assert as_maya.post(f"/people/{nia.pk}/invite/").status_code == 302
    as_maya.post(f"/people/{cast.ravi.pk}/invite/")  # is here already
    as_maya.post(f"/people/{build.person('Dee', is_demo=True, password=None).pk}/invite/")
    assert [row.person for row in Invitation.objects.all()] == [nia]
    page = as_maya.get("/people/").content.decode()
    assert "Invite again" in page


def test_the_list_of_people_is_for_managers(as_ravi: Client, cast: Cast) -> None:
    for path in ("/people/", "/people/invite/"):
        assert as_ravi.get(path).status_code == 403
    assert as_ravi.post(f"/people/{cast.bea.pk}/invite/").status_code == 403
