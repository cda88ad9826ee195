"""One login on its way: from a request without a token to a token, or to a refusal that says little.

    knock    the request is put on record, without what proves who it is
    check    the method's part; slow work goes elsewhere and comes back as the next step
    grant    the token: read out of nothing but the answer (batch), or stored (service)

A method's part begins with the ``Login`` and ends by calling ``grant``, or by raising what the caller is
told. Whatever it raises, in whichever step, is put on record and refused; a defect fails closed like the
rest.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from holdfast.audit import AuditEntry
from holdfast.barrier import BarrierReader
from holdfast.errors import NotFoundError, PermissionDeniedError
from holdfast.formats.strict_json import JsonObject, encode
from holdfast.store import fields
from holdfast.store.auth.issue import Defaults, Earned, new_entry
from holdfast.store.auth.mounts import AuthMount
from holdfast.store.auth.provider_keys import Providers
from holdfast.store.command import Command
from holdfast.store.identity.alias_commands import AttachAlias
from holdfast.store.identity.login import alias_of
from holdfast.store.layout import IDENTITY, TOKENS, auth_place
from holdfast.store.login_steps import Desk, LoginSteps, Offload
from holdfast.store.networks import admits
from holdfast.store.open_store import OpenStore
from holdfast.store.quotas.lease_counts import refuse_if_full
from holdfast.store.request import Answer, Done, Operation, StoreRequest
from holdfast.store.tokens import batch as batch_tokens
from holdfast.store.tokens.commands import CreateToken, describe_auth
from holdfast.store.wrapping.conclude import refuse_wrapping

T = TypeVar("T")
Conclude = Callable[[StoreRequest, AuditEntry, Answer, float, Done], None]
"""The end of a request: its answer, or what stands for it."""


class Tools(Desk, Protocol):
    """What a login works with."""

    outside: Offload
    providers: Providers
    conclude: Conclude


class Login(LoginSteps):
    """One attempt. Each step goes on to the next; the last one grants, or raises.

    Args:
        tools: what it works with.
        request: what was sent.
        mount: where.
        defaults: what the method's tokens are like.
        again: serves the request anew if another node was in its way, and tells whether it does.
        done: gets the answer.

    Attributes:
        request: as given.
        mount: as given.
    """

    def __init__(
        self,
        tools: Tools,
        request: StoreRequest,
        mount: AuthMount,
        defaults: Defaults,
        *,
        again: Callable[[Exception], bool],
        done: Done,
    ) -> None:
        super().__init__(tools, request.id, done, again=again)
        self.request = request
        self.mount = mount
        self._tools = tools
        self._defaults = defaults
        self._records: tuple[OpenStore, BarrierReader] | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The members of the request body."""
        return self.request.body.values

    def given(self, name: str) -> str:
        """Return what was sent under a name: in the body, or as a parameter of what was read."""
        if self.request.operation is Operation.READ:
            return self.request.parameter(name) or ""
        return fields.text(self.values, name)

    @property
    def name(self) -> str:
        """What the path says after ``login/``; empty for a plain ``login``."""
        return self.request.path.partition(f"auth/{self.mount.path}login/")[2]

    @property
    def records(self) -> BarrierReader:
        """What the mount has stored."""
        opened = self.opened
        if self._records is None or self._records[0] is not opened:
            self._records = opened, opened.view(auth_place(self.mount.storage_prefix))
        return self._records[1]

    def begin(self, log_in: "Callable[[Login], None]", shown: frozenset[str]) -> None:
        """Put the request on record, with the ``shown`` fields only, and start the method's part."""
        self.step(partial(self._begin, log_in, shown))

    def outside(self, work: Callable[[], Any], step: Callable[[Any], None]) -> None:
        """Have ``work`` done that waits for others. Then take the next step."""
        self._tools.outside(work, self.then(step))

    def with_published(
        self,
        configuration: bytes,
        fetch: Callable[[], T],
        is_enough: Callable[[T], bool],
        step: Callable[[T], None],
    ) -> None:
        """Take the next step with what a provider publishes, which is remembered.

        Args:
            configuration: the stored configuration of the mount.
            fetch: asks for what is published by the provider of exactly that configuration.
            is_enough: whether what is remembered has what is looked for.
            step: gets it.
        """
        provider = self._tools.providers.of(self.mount.uuid, configuration, fetch)
        provider.get(is_enough, self.now, self._tools.outside, self.then(step))

    def change(self, command: Command, step: Callable[[Answer], None]) -> None:
        """Make a change, once the line that announces this login is taken. Then take the next step."""
        submit = partial(self._tools.host.submit, command, self.then(step))
        self._tools.audit.announced(submit, self._done)

    def say(self, answer: Answer) -> None:
        """Answer without a token: there is one more step for whoever logs in."""
        refuse_wrapping(self.request)
        self._answer((), answer)

    def grant(self, earned: Earned, defaults: Defaults | None = None) -> None:
        """Hand out the token.

        Args:
            earned: what the method found out.
            defaults: what the token is like where nobody says otherwise, if not like others of the method.
        """
        opened, now = self.opened, self.now
        opened.refresh()
        if self.mount.uuid not in opened.auth_mounts.uuids:
            raise NotFoundError("no handler for route: the mount was removed")
        view, names, home = opened.view(IDENTITY), opened.names, opened.namespace.uuid
        alias, is_awaited = opened.until_change(
            ("alias", self.mount.accessor, earned.alias or earned.name, earned.groups),
            lambda: alias_of(view, names, self.mount, earned, home=home),
        )
        if is_awaited:
            # Its entity was stored by somebody who could not tell the alias; the first login can.
            attach = AttachAlias(login=alias.expanded(earned.metadata))
            self.change(attach, lambda _: self.grant(earned, defaults))
            return
        entry, warnings = new_entry(
            earned, self.mount, defaults or self._defaults, self.request.path, now=now, alias=alias
        )
        known = opened.known(entry)
        if known.refusal:
            raise PermissionDeniedError("permission denied", detail=known.refusal)
        if not admits(entry.bound_cidrs, self.request.peer):
            raise PermissionDeniedError("permission denied", detail="not from a network of the role")
        if entry.is_batch:
            refuse_if_full(opened.view(TOKENS), entry)
            token = batch_tokens.mint(opened.keyring, opened.hasher, entry)
            self._answer(warnings, Answer(auth=describe_auth(token, entry, now, known)))
        else:
            self.change(CreateToken(entry=entry), partial(self._answer, warnings))

    def _begin(self, log_in: "Callable[[Login], None]", shown: frozenset[str]) -> None:
        said = {name: value for name, value in self.values.items() if name in shown}
        request = StoreRequest(
            id=self.request.id,
            operation=self.request.operation,
            path=self.request.path,
            namespace=self.request.namespace,
            within=self.request.within,
            body=JsonObject(said, encode(said)),
            peer=self.request.peer,
            headers=self.request.headers,
        )
        self.entry = self._tools.audit.knocked(request, "", self.now)
        log_in(self)

    def _answer(self, warnings: tuple[str, ...], answer: Answer) -> None:
        answer.warnings = (*warnings, *answer.warnings)
        if self.entry is not None:
            self._tools.conclude(self.request, self.entry, answer, self.now, self._done)
