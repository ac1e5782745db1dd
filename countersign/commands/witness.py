"""`python -m countersign witness`: watch over ledgers, on a machine that is not theirs."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from countersign import cosignatures, ed25519, notes
from countersign.witnessing import following
from countersign.witnessing.answers import Witness
from countersign.witnessing.memory import Memory, MemoryLost
from countersign.witnessing.server import Server

if TYPE_CHECKING:
    from argparse import _SubParsersAction

USAGE_ERROR = 2
EPILOG = """\
With --listen it answers POST /add-checkpoint (https://c2sp.org/tlog-witness), behind a proxy that
speaks TLS. With --follow it looks by itself at a log's address, such as https://portal.example/log
(/log/test for the ledger of test keys); --return posts the cosigned checkpoint to an address, such
as https://portal.example/log/cosignatures.
What it saw stands in --state and must outlive it: without it, it could be shown another ledger.
Exit code: 0 stopped, or --once found that the ledger grew as it must; 1 --once found otherwise;
2 the call, a key or the state is wrong."""


def add_to(commands: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    command = commands.add_parser(
        "witness",
        help="cosign checkpoints of ledgers that only ever grew",
        description="Cosign each checkpoint that grew out of the last one seen.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = command.add_argument
    add("--state", required=True, type=Path, metavar="DIR", help="where it remembers what it saw")
    add("--key", required=True, type=Path, metavar="FILE", help="its private key (keygen)")
    add(
        "--log",
        required=True,
        action="append",
        metavar="VKEY",
        help="a ledger's public key; again for each ledger and each newer key",
    )
    add("--listen", type=_address, metavar="HOST:PORT", help="answer requests there")
    add("--follow", action="append", default=[], metavar="URL", help="look at this log by itself")
    add("--every", type=_seconds, default=60, metavar="SECONDS", help="how often; default 60")
    add("--once", action="store_true", help="look once, print the cosigned checkpoints, and stop")
    add("--return", dest="back", metavar="URL", help="post each cosigned checkpoint there")
    add("--token", type=Path, metavar="FILE", help="a bearer token for the portal's addresses")
    command.set_defaults(run=run)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise argparse.ArgumentTypeError("an address is written as HOST:PORT")
    return host.strip("[]"), int(port)


def _seconds(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 86_400:
        raise argparse.ArgumentTypeError("give a number of seconds from 1 to 86400")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Witness until stopped. Returns the exit code."""
    if not arguments.listen and not arguments.follow:
        return _refused("give --listen, --follow or both")
    try:
        return _run(arguments)
    except OSError as error:
        return _refused(error.strerror or "a file or the address cannot be used")
    except (
        notes.NoteError,
        MemoryLost,
        ed25519.SigningNeedsCryptography,
        following.LogUnreachable,
    ) as error:
        return _refused(str(error))


def _refused(reason: str) -> int:
    sys.stderr.write(f"countersign witness: {reason}\n")
    return USAGE_ERROR


def _witness(arguments: argparse.Namespace, memory: Memory) -> Witness:
    name, algorithm, seed = notes.parsed_skey(arguments.key.read_text(encoding="utf-8"))
    if algorithm != notes.COSIGNATURE:
        raise notes.NoteError("the private key is not a witness's: make one with keygen")
    logs = tuple(map(notes.Verifier.from_vkey, arguments.log))
    witness = Witness(cosignatures.Cosigner(name, seed), logs, memory)
    for log in logs:
        witness.last(log.name)  # a memory that cannot be read is told now, not at the first request
    return witness


def _logs(arguments: argparse.Namespace) -> tuple[list[following.Log], following.Log | None]:
    token = arguments.token.read_text(encoding="utf-8").strip() if arguments.token else ""
    back = following.Log(arguments.back, token) if arguments.back else None
    return [following.Log(address, token) for address in arguments.follow], back


def _run(arguments: argparse.Namespace) -> int:
    with contextlib.closing(Memory(arguments.state)) as memory:
        return _witnessed(arguments, _witness(arguments, memory))


def _witnessed(arguments: argparse.Namespace, witness: Witness) -> int:
    logs, back = _logs(arguments)
    if arguments.once:
        looked = [_looked(witness, log, back, say=sys.stdout.write) for log in logs]
        return 0 if all(looked) else 1
    # Both end it in order, also where whoever started it had interrupts ignored.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):
        if arguments.listen:
            _serve(arguments, witness, logs, back)
        else:
            _follow(witness, logs, back, arguments.every)
    return 0


def _serve(
    arguments: argparse.Namespace,
    witness: Witness,
    logs: list[following.Log],
    back: following.Log | None,
) -> None:
    with Server(arguments.listen, witness) as server:
        host, port = server.server_address[:2]
        sys.stderr.write(f"{witness.cosigner.witness.vkey} listens on {host!s}:{port}\n")
        if logs:
            beside = (witness, logs, back, arguments.every)
            threading.Thread(target=_follow, args=beside, daemon=True).start()
        server.serve_forever()


def _follow(
    witness: Witness, logs: list[following.Log], back: following.Log | None, seconds: int
) -> None:
    pause = threading.Event()
    while True:
        for log in logs:
            _looked(witness, log, back, say=None)
        pause.wait(seconds)


def _looked(
    witness: Witness,
    log: following.Log,
    back: following.Log | None,
    *,
    say: Callable[[str], object] | None,
) -> bool:
    """Look at a log once; say on stderr what happened, and whether it grew as it must."""
    try:
        note, answer = following.look(witness, log)
        if answer.status == 200:
            cosigned = note + answer.text
            if say is not None:
                say(cosigned)
            if back is not None:
                back.post(cosigned.encode())
            return True
        what = f"REFUSED ({answer.status}): {answer.text.strip()}"
    except (following.LogUnreachable, notes.NoteError, MemoryLost) as error:
        what = f"not cosigned: {error}"
    except OSError:
        what = "not cosigned: the witness cannot remember"
    sys.stderr.write(f"{log.prefix}: {what}\n")
    return False
