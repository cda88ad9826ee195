"""A login is kept alive by one thread, ahead of its end; a failed one is tried again soon, and not by all."""

import threading

import pytest

from holdfast.clock import ManualClock
from holdfast.errors import InvalidInputError
from holdfast.providers import CredentialExpiredError, ProviderUnavailableError
from holdfast.providers.grant import LONGEST_PAUSE_SECONDS, Grant, LiveGrant


class Server:
    """Gives credentials of a hundred seconds until it is told not to."""

    def __init__(self):
        self.clock = ManualClock()
        self.logins = self.renewals = 0
        self.trouble = None
        self.renewed_seconds = 100.0
        self.wiped = []

    def log_in(self):
        if self.trouble is not None:
            raise self.trouble
        self.logins += 1
        number = self.logins
        return Grant(number, 100.0, lambda: self.wiped.append(number), renewable=True)

    def renew(self, client):
        if self.trouble is not None:
            raise self.trouble
        self.renewals += 1
        return self.renewed_seconds

    def live(self, **options):
        return LiveGrant(self.log_in, clock=self.clock, renew=self.renew, chance=lambda: 1.0, **options)


@pytest.fixture
def server():
    return Server()


def test_it_is_renewed_when_two_thirds_are_over_and_not_before(server):
    live = server.live()
    live.current()
    assert live.upkeep() == pytest.approx(server.clock.now() + 200 / 3)
    server.clock.advance(66)
    live.upkeep()
    assert server.renewals == 0
    server.clock.advance(1)
    live.upkeep()
    assert (server.renewals, server.logins) == (1, 1)
    assert live.grant.expires_at == server.clock.now() + 100


@pytest.mark.parametrize("seconds", [None, 10.0])
def test_what_reaches_its_longest_life_is_replaced_while_it_lives(server, seconds):
    live, server.renewed_seconds = server.live(), seconds
    live.current()
    server.clock.advance(70)
    live.upkeep()
    assert (live.grant.client, server.logins) == (2, 2)


def test_an_absence_is_bridged_until_the_end_and_then_told(server):
    live = server.live()
    live.current()
    server.clock.advance(70)
    server.trouble = ProviderUnavailableError("away")
    assert live.upkeep() > server.clock.now()
    assert live.current().client == 1
    assert live.problem == "away"
    server.clock.advance(30)
    with pytest.raises(ProviderUnavailableError, match="away"):
        live.current()
    server.trouble = None
    server.clock.advance(3)
    assert live.current().client == 2
    assert live.problem == ""


@pytest.mark.parametrize(
    ("trouble", "longest"),
    [(CredentialExpiredError("no"), LONGEST_PAUSE_SECONDS), (ProviderUnavailableError("away"), 3.0)],
    ids=["refused", "away"],
)
def test_pauses_double_up_to_a_bound_and_end_with_success(server, trouble, longest):
    live, server.trouble = server.live(), trouble
    pauses = []
    for _ in range(10):
        with pytest.raises(type(trouble)):
            live.current()
        pauses.append(live._wait_until - server.clock.now())
        with pytest.raises(type(trouble), match="is in cooldown; next attempt in"):
            live.current()
        server.clock.advance(pauses[-1])
    assert pauses[:3] == pytest.approx([0.5, 1.0, 2.0])
    assert max(pauses) == pytest.approx(longest)
    server.trouble = None
    live.current()
    assert live._failures == 0


def test_without_a_pause_every_caller_tries(server):
    live, server.trouble = server.live(longest_pause=0), CredentialExpiredError("no")
    for _ in range(3):
        with pytest.raises(CredentialExpiredError, match=r"no$"):
            live.current()


def test_of_many_callers_one_logs_in(server):
    live = server.live()
    threads = [threading.Thread(target=live.current) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert server.logins == 1
    dead = live.grant
    threads = [threading.Thread(target=live.replace, args=(dead,)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert server.logins == 2


def test_what_was_replaced_is_wiped_once_nobody_uses_it_any_more(server):
    live = server.live()
    live.replace(live.current())
    live.upkeep()
    assert server.wiped == []
    server.clock.advance(61)
    live.upkeep()
    assert server.wiped == [1]
    live.close()
    assert server.wiped == [1, 2]


def test_a_file_that_is_gone_is_the_nodes_trouble_and_not_the_users_mistake(server):
    live, server.trouble = server.live(), InvalidInputError("VAULT_TOKEN_FILE: expected a readable file")
    with pytest.raises(CredentialExpiredError, match="VAULT_TOKEN_FILE"):
        live.current()
