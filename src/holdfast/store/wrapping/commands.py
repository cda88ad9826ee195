"""What becomes of answers that wait, as commands for the writer.

Each is one transaction, so each answer has one reader, whoever else tries at the same moment.
"""

from typing import ClassVar

from holdfast.store.command import Command, Scope
from holdfast.store.layout import TOKENS
from holdfast.store.request import Answer
from holdfast.store.wrapping import records


class WrapAnswer(Command, frozen=True, kw_only=True):
    """Keep an answer for whoever gets the token that stands for it.

    Attributes:
        path: of the request that it answers.
        seconds: for how long.
        answer: what was to be said.
    """

    path: str
    seconds: int
    answer: Answer

    def run(self, scope: Scope) -> Answer:
        """Store it and return what stands for it."""
        info = records.keep(
            scope.view(TOKENS), scope.hasher, self.answer, path=self.path, seconds=self.seconds, now=scope.now
        )
        return Answer(wrapped=info)


class UnwrapAnswer(Command, frozen=True, kw_only=True):
    """Hand out an answer that waits, once.

    Attributes:
        token_hash: of its token.
        is_counted: whether the token's one use was taken off already, because it came with the request.
    """

    shared: ClassVar[bool] = True
    token_hash: str
    is_counted: bool = False

    def run(self, scope: Scope) -> Answer:
        """Remove it with its token, and return it."""
        return records.take(
            scope.view(TOKENS), scope.hasher, self.token_hash, now=scope.now, is_counted=self.is_counted
        ).answer


class RewrapAnswer(Command, frozen=True, kw_only=True):
    """Let an answer wait under another token, for as long as it was to wait at first.

    Attributes are those of ``UnwrapAnswer``.
    """

    shared: ClassVar[bool] = True
    token_hash: str
    is_counted: bool = False

    def run(self, scope: Scope) -> Answer:
        """Remove the old token, and store the answer under a new one."""
        view = scope.view(TOKENS)
        waiting = records.take(view, scope.hasher, self.token_hash, now=scope.now, is_counted=self.is_counted)
        entry = waiting.entry
        info = records.keep(
            view, scope.hasher, waiting.answer, path=entry.path, seconds=entry.ttl_seconds, now=scope.now
        )
        return Answer(wrapped=info)
