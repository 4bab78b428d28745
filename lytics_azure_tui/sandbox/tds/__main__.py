"""The process of the stand-in for Azure SQL Database. It ends when its standard input does."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from lytics_azure_tui.sandbox.tds.certificates import make_certificates
from lytics_azure_tui.sandbox.tds.conversation import House
from lytics_azure_tui.sandbox.tds.engine import Engine
from lytics_azure_tui.sandbox.tds.faults import Faults
from lytics_azure_tui.sandbox.tds.server import OPERATOR, OWNER
from lytics_azure_tui.sandbox.tds.service import Service
from lytics_azure_tui.sandbox.tds.session_state import Login


def main() -> None:
    """Serves the folder that the command line names; logins come by the environment, as JSON."""
    folder = Path(sys.argv[1])
    passwords: dict[str, str] = json.loads(os.environ.pop("LYAZURE_SQL_LOGINS"))
    logins = {
        name: Login(name, password, owns=name in (OWNER, OPERATOR), meets_no_faults=name == OPERATOR)
        for name, password in passwords.items()
    }
    ca_file, tls = make_certificates(folder / "tls")
    engine = Engine(folder / "data")
    service = Service(House(engine, Faults(), tls, logins))
    threading.Thread(target=_end_with_parent, args=(service,), daemon=True).start()
    sys.stdout.write(json.dumps({"port": service.port, "ca_file": str(ca_file)}) + "\n")
    sys.stdout.flush()
    service.run()
    engine.close()
    # Threads of connections may be in the middle of a query; what is committed is in the files.
    os._exit(0)


def _end_with_parent(service: Service) -> None:
    """Standard input is a pipe of which only the parent holds the other end."""
    sys.stdin.buffer.read()
    service.stop()


if __name__ == "__main__":
    main()
