"""Write the classes of the SDK's messages anew from their ``.proto`` files: ``./dev protos``."""

import os
import sys
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

SOURCE = Path(__file__).parents[2] / "src"
PROTOS = "holdfast/api/sdk/proto"
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"  # google/protobuf/*.proto


def generate(target: Path) -> list[Path]:
    """Write the generated files below ``target``; return them."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # finds protoc-gen-mypy
    files = sorted(str(path) for path in (SOURCE / PROTOS).glob("*.proto"))
    outputs = [f"--python_out={target}", f"--mypy_out=quiet:{target}"]
    if protoc.main(["protoc", f"-I{SOURCE}", f"-I{WELL_KNOWN}", *outputs, *files]) != 0:
        raise SystemExit("protoc refused; see above")
    return sorted((target / PROTOS).glob("*_pb2.py*"))


if __name__ == "__main__":
    generate(SOURCE)
