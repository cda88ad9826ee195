"""What every start of the command has in common, waiting for its secrets."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.cli.exec.binding import Place
from holdfast.cli.exec.descriptors import open_descriptor
from holdfast.cli.exec.environment import with_secrets
from holdfast.cli.exec.files import SecretsDirectory
from holdfast.cli.exec.launch import Launch, find_program, start_helper
from holdfast.cli.exec.sources import Delivery
from holdfast.process.run import descriptor_path

DIRECTORY_VARIABLE = "HOLDFAST_SECRETS_DIR"
PROCESS_VARIABLE = "HOLDFAST_EXEC_PID"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to start the command.

    Attributes:
        argv: program and arguments.
        variables: its environment without secrets.
        overwrite: whether a secret may replace one of them.
        directory: where its files are; ``None`` if it gets none.
    """

    argv: tuple[str, ...]
    variables: Mapping[str, str]
    overwrite: bool
    directory: SecretsDirectory | None

    def prepare(self, delivery: Delivery) -> Launch:
        """Make a start out of the secrets.

        Raises:
            NotExecutableError: there is no such program.
            NotDeliverableError: a secret does not fit where it should go.
        """
        program = find_program(self.argv[0], self.variables.get("PATH", os.defpath))
        environment = with_secrets(
            self._plain_variables(),
            {
                binding.name: secret.value
                for binding, secret in delivery.items()
                if binding.place is Place.VARIABLE
            },
            overwrite=self.overwrite,
        )
        descriptors = []
        for binding, secret in delivery.items():
            if binding.place is Place.DESCRIPTOR:
                descriptor = open_descriptor(binding.name, secret.value)
                descriptors.append(descriptor)
                environment[binding.name.encode()] = descriptor_path(descriptor).encode()
        return Launch(program, self.argv, environment, tuple(descriptors))

    def write_files(self, delivery: Delivery) -> None:
        """Give every file its content of now."""
        if self.directory:
            self.directory.write(
                {
                    binding.name: secret.value
                    for binding, secret in delivery.items()
                    if binding.place is Place.FILE
                }
            )

    def run_helper(self, argv: tuple[str, ...], mask: set[int], process: int) -> int:
        """Start a program that is told of a change; return its process id. It can read the files."""
        return start_helper(argv, {**self._plain_variables(), PROCESS_VARIABLE: str(process)}, mask=mask)

    def _plain_variables(self) -> dict[str, str]:
        place = {DIRECTORY_VARIABLE: str(self.directory.path)} if self.directory else {}
        return {**self.variables, **place}
