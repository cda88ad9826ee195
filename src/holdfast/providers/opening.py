"""What a provider is opened from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from holdfast.providers.settings import Settings
from holdfast.storage.interface import Storage


@dataclass(frozen=True, slots=True)
class Opening:
    """What is there when a provider is made.

    Attributes:
        kind: its type string.
        options: of the configuration.
        environment: environment variables.
        storage: where what was wrapped is kept; ``None`` where nothing is.
    """

    kind: str
    options: Mapping[str, str] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    storage: Storage | None = None

    @property
    def settings(self) -> Settings:
        """The configuration's options, then the environment."""
        return Settings(self.options, self.environment)
