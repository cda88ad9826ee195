"""A credential that the node got by logging in: got once for all threads, renewed ahead of its end.

    nothing ──log in──▶ live ──two thirds of its time──▶ renewed, or logged in anew ──▶ live ...
                          └──────the store calls it dead──▶ logged in anew, once, by one thread

Renewing happens in a thread of its own (``upkeep``), so that no attach waits for it. While logging in fails,
callers are told so at once: one thread tries again after a pause that doubles up to half a minute, with
chance in it so that the nodes of a cluster do not come all at once. There is no fixed time of darkness.
"""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from holdfast.clock import Clock
from holdfast.errors import HoldfastError, InvalidInputError
from holdfast.providers.errors import CredentialExpiredError, ProviderUnavailableError

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
_chance = random.SystemRandom().random  # not the program's own numbers, which others may count on
LONGEST_PAUSE_WHILE_AWAY_SECONDS = 3.0  # a store that is back should be used at once
RENEW_AT = 2 / 3  # of a credential's time
RETIRE_SECONDS = 60.0  # for requests that are under way with a credential that was replaced
WAIT_FOR_LOGIN_SECONDS = 30.0  # of those who find another thread logging in

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Grant(Generic[T]):
    """What a login gave.

    Attributes:
        client: acts with the credential.
        seconds: how long it lasts from ``obtained_at``; ``None`` for no end that we know of.
        end: wipes the credential.
        renewable: whether it can be prolonged as it is.
        obtained_at: Unix seconds.
    """

    client: T
    seconds: float | None
    end: Callable[[], None]
    renewable: bool = False
    obtained_at: float = 0.0

    @property
    def expires_at(self) -> float | None:
        """Unix seconds of its end."""
        return None if self.seconds is None else self.obtained_at + self.seconds

    @property
    def renew_at(self) -> float | None:
        """Unix seconds from which on it should be renewed."""
        return None if self.seconds is None else self.obtained_at + self.seconds * RENEW_AT


class LiveGrant(Generic[T]):
    """One credential that is kept alive. Every method may be called from several threads.

    Args:
        log_in: gets a credential; raises ``ProviderUnavailableError`` and its kin.
        renew: prolongs one: returns for how many seconds from now on; ``None`` where that is not offered.
        clock: the time.
        longest_pause: between two attempts to log in; 0 for none.
        chance: a number from 0 to 1.
    """

    def __init__(
        self,
        log_in: Callable[[], Grant[T]],
        *,
        clock: Clock,
        renew: Callable[[T], float | None] | None = None,
        longest_pause: float = LONGEST_PAUSE_SECONDS,
        chance: Callable[[], float] = _chance,
    ) -> None:
        self._log_in = log_in
        self._renew = renew
        self._clock = clock
        self._longest_pause = longest_pause
        self._chance = chance
        self._one_at_a_time = threading.Lock()
        self._grant: Grant[T] | None = None
        self._retired: list[tuple[float, Grant[T]]] = []
        self._failures = 0
        self._wait_until = 0.0
        self._problem: HoldfastError | None = None
        self.changed: Callable[[], None] = lambda: None

    @property
    def grant(self) -> Grant[T] | None:
        """What there is now, be it dead or alive."""
        return self._grant

    @property
    def problem(self) -> str:
        """Why the last login or renewal failed; empty if it did not."""
        return self._problem.message if self._problem is not None else ""

    def current(self) -> Grant[T]:
        """Return a credential that is alive as far as we know; logs in if there is none.

        Raises:
            CredentialExpiredError: the login is refused.
            ProviderUnavailableError: it cannot be done now.
        """
        grant = self._grant
        return grant if grant is not None and self._is_alive(grant) else self._replace(grant)

    def replace(self, dead: Grant[T]) -> Grant[T]:
        """Return another credential in place of one that the store does not accept; raises as ``current``."""
        return self._replace(dead)

    def upkeep(self) -> float | None:
        """Renew the credential if it is time; return the time at which to come again, ``None`` for none."""
        self._wipe_retired()
        grant = self._grant
        if grant is None or grant.renew_at is None:
            return None
        now = self._clock.now()
        if now < max(grant.renew_at, self._wait_until):
            return max(grant.renew_at, self._wait_until)
        if not self._one_at_a_time.acquire(blocking=False):
            return now + 1.0  # somebody is logging in just now
        try:
            if self._grant is grant:
                self._prolong(grant, now)
        except HoldfastError:
            pass  # noted; the present one still serves until its end
        finally:
            self._one_at_a_time.release()
        after = self._grant
        due = after.renew_at if after is not None else None
        return None if due is None else max(due, self._wait_until, now + 0.05)

    def close(self) -> None:
        """Wipe what there is."""
        with self._one_at_a_time:
            for _, grant in self._retired:
                grant.end()
            self._retired.clear()
            if self._grant is not None:
                self._grant.end()
                self._grant = None

    def _is_alive(self, grant: Grant[T]) -> bool:
        return grant.expires_at is None or self._clock.now() < grant.expires_at

    def _replace(self, dead: Grant[T] | None) -> Grant[T]:
        if not self._one_at_a_time.acquire(timeout=WAIT_FOR_LOGIN_SECONDS):
            raise ProviderUnavailableError("a login at the secrets provider takes too long; try again")
        try:
            grant = self._grant
            if grant is not None and grant is not dead and self._is_alive(grant):
                return grant  # another thread was faster
            return self._log_in_anew()
        finally:
            self._one_at_a_time.release()

    def _prolong(self, grant: Grant[T], now: float) -> None:
        if grant.renewable and self._renew is not None:
            try:
                seconds = self._renew(grant.client)
            except CredentialExpiredError:
                pass  # it is at its end: only a login helps
            except HoldfastError as error:
                self._note_failure(error)
                raise
            else:
                # What is cut short by a longest lifetime is replaced while it still lives.
                if seconds is not None and seconds >= (grant.seconds or 0.0) / 2:
                    self._grant = replace(grant, seconds=seconds, obtained_at=now)
                    self._note_success()
                    return
        self._log_in_anew()

    def _log_in_anew(self) -> Grant[T]:
        now = self._clock.now()
        if self._problem is not None and now < self._wait_until:
            kind = (
                CredentialExpiredError
                if isinstance(self._problem, CredentialExpiredError)
                else ProviderUnavailableError
            )
            text = self._problem.message.removeprefix("Not authenticated with the secrets endpoint: ")
            raise kind(f"{text} (the client is in cooldown; next attempt in {self._wait_until - now:.0f} s)")
        try:
            grant = replace(self._log_in(), obtained_at=now)
        except InvalidInputError as error:  # a file with a credential, which is gone or holds something else
            refused = CredentialExpiredError(error.message)
            self._note_failure(refused)
            raise refused from None
        except HoldfastError as error:
            self._note_failure(error)
            raise
        if self._grant is not None:
            self._retired.append((now + RETIRE_SECONDS, self._grant))
        self._grant = grant
        self._note_success()
        self.changed()
        return grant

    def _note_success(self) -> None:
        self._failures, self._wait_until, self._problem = 0, 0.0, None

    def _note_failure(self, error: HoldfastError) -> None:
        longest = self._longest_pause
        if not isinstance(error, CredentialExpiredError):
            longest = min(longest, LONGEST_PAUSE_WHILE_AWAY_SECONDS)
        pause = min(longest, FIRST_PAUSE_SECONDS * 2.0 ** min(self._failures, 10))
        self._failures += 1
        self._wait_until = self._clock.now() + pause * (0.5 + 0.5 * self._chance())
        self._problem = error

    def _wipe_retired(self) -> None:
        if not self._retired or not self._one_at_a_time.acquire(blocking=False):
            return
        try:
            now = self._clock.now()
            for _, grant in (entry for entry in self._retired if entry[0] <= now):
                grant.end()
            self._retired = [entry for entry in self._retired if entry[0] > now]
        finally:
            self._one_at_a_time.release()


class Upkeep:
    """A thread that keeps credentials alive, started with the first of them.

    Args:
        clock: the time.
        name: of the thread.
    """

    LONGEST_SLEEP_SECONDS = 30.0

    def __init__(self, *, clock: Clock, name: str) -> None:
        self._clock = clock
        self._name = name
        self._guard = threading.Lock()
        self._wake = threading.Event()
        self._stopped = False
        self._thread: threading.Thread | None = None
        self._kept: list[LiveGrant[object]] = []

    def keep(self, live: "LiveGrant[T]") -> "LiveGrant[T]":
        """Look after one more; return it."""
        with self._guard:
            self._kept.append(live)  # type: ignore[arg-type]  # what it is a grant of makes no difference here
        live.changed = self._look_now
        return live

    def _look_now(self) -> None:
        with self._guard:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        self._wake.set()

    def close(self) -> None:
        """End the thread; what it looked after is closed by whoever made it."""
        with self._guard:
            self._stopped = True
            thread = self._thread
        self._wake.set()
        if thread is not None:
            thread.join(WAIT_FOR_LOGIN_SECONDS)

    def _run(self) -> None:
        while not self._stopped:
            with self._guard:
                kept = list(self._kept)
            due = [time for time in (live.upkeep() for live in kept) if time is not None]
            pause = min(due, default=float("inf")) - self._clock.now()
            self._wake.wait(min(max(pause, 0.05), self.LONGEST_SLEEP_SECONDS))
            self._wake.clear()
