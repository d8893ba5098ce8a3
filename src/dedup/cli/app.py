"""The command line's entry: the list of commands, and what an error becomes.

Commands import the rooms they need when they run, so that `dedup --help` stays quick.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer
from typer.exceptions import TyperException

from dedup.cli.attack import attack
from dedup.cli.audit import audit
from dedup.cli.bench import bench
from dedup.cli.bench_findings import findings as bench_findings
from dedup.cli.bench_upload import upload as bench_upload
from dedup.cli.calibrate import calibrate
from dedup.cli.check import check
from dedup.cli.conformance import conformance
from dedup.cli.console import EXIT_BUG, EXIT_FAULT, EXIT_USAGE, print_error
from dedup.cli.contracts import contracts
from dedup.cli.demo import demo
from dedup.cli.doctor import doctor
from dedup.cli.encode import encode
from dedup.cli.evaluate import evaluate
from dedup.cli.explain import explain
from dedup.cli.feedback import feedback
from dedup.cli.keys import keys
from dedup.cli.link import link
from dedup.cli.model import app as model_app
from dedup.cli.nightly import nightly
from dedup.cli.report import report
from dedup.cli.retention import retention
from dedup.cli.send import send
from dedup.cli.serve import serve
from dedup.cli.simulate import simulate
from dedup.cli.switch import switch
from dedup.errors import DedupError, kind_and_place

app = typer.Typer(
    name="dedup",
    help="Finds duplicate registrations for maternity care without seeing who registered.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command("demo")(demo)
app.command("check")(check)
app.command("encode")(encode)
app.command("send")(send)
app.command("conformance")(conformance)
app.command("nightly")(nightly)
app.command("retention")(retention)
app.command("serve")(serve)
app.command("doctor")(doctor)
app.command("link")(link)
app.command("evaluate")(evaluate)
app.command("calibrate")(calibrate)
app.command("explain")(explain)
app.add_typer(model_app, name="model")
app.add_typer(keys, name="keys")
app.add_typer(switch, name="switch")
app.add_typer(audit, name="audit")
app.add_typer(feedback, name="feedback")
app.add_typer(report, name="report")
app.add_typer(contracts, name="contracts")
bench.command("findings")(bench_findings)
bench.command("upload")(bench_upload)
app.add_typer(bench, name="bench")
app.add_typer(attack, name="attack")
app.command("simulate")(simulate)


def main() -> None:
    """Run the command line; exit with 0 done, 1 a fault to mend, 2 wrong usage, 3 refused rows, 70 a bug."""
    as_json = "--json" in sys.argv
    try:
        if as_json:
            sys.exit(app(standalone_mode=False))  # wrong usage is then raised, to be told as a document too
        app()
    except TyperException as error:
        print_error("usage", str(error), as_json=True)
        sys.exit(EXIT_USAGE)
    except typer.Abort:
        sys.exit(EXIT_FAULT)
    except DedupError as error:
        print_error(error.code, error.message, as_json=as_json)
        sys.exit(EXIT_FAULT)
    except OSError as error:
        # No room, no rights, a folder in the way: whoever runs this can mend it. The file's name says where to look.
        where = f" ({Path(os.fsdecode(error.filename)).name})" if isinstance(error.filename, str | bytes) else ""
        print_error("system.refused", f"The operating system refused: {error.strerror}{where}.", as_json=as_json)
        sys.exit(EXIT_FAULT)
    except Exception as error:
        # The message of an unexpected error can hold a value from the data, so only its kind and place are shown.
        print_error("bug", f"This is a bug in dedup: {kind_and_place(error)}.", as_json=as_json)
        sys.exit(EXIT_BUG)
