"""What a cluster needs for TLS with its clients, and for keys between its processes."""

import random
import ssl
import subprocess
from pathlib import Path
from typing import Final

import trustme

from testbed.cluster import Cluster
from zchat.client.core.key_pins import pin_of
from zchat.client.sdk.tls import Tls

_HOST: Final = "127.0.0.1"
_PORTS: Final = (20_000, 30_000)


def certified(folder: Path) -> tuple[dict[str, str], Tls]:
    """Settings of gateways with a new certificate, and how clients know them by its pin."""
    leaf = trustme.CA().issue_cert(_HOST)
    certificate, key = folder / "certificate.pem", folder / "certificate.key"
    leaf.private_key_pem.write_to_path(str(key))
    leaf.cert_chain_pems[0].write_to_path(str(certificate))
    pin = pin_of(ssl.PEM_cert_to_DER_cert(certificate.read_text()))
    environment = {"ZCHAT_TLS_CERT": str(certificate), "ZCHAT_TLS_KEY": str(key)}
    return environment, Tls("on", pins=(pin,))


def on_a_network() -> dict[str, str]:
    """Settings of a router that is to be reached over TCP, and so wants keys."""
    # Below those that the system deals out, of which one might be in use among so many in a row.
    first = random.randrange(*_PORTS)
    return {"ZCHAT_ROUTER": f"tcp://{_HOST}:{first}"}


def make_keys(cluster: Cluster) -> None:
    """For all processes, before they start."""
    command = [str(cluster.folder / "bin" / "zchat-admin"), "keys", "init"]
    subprocess.run(
        command, cwd=cluster.folder, env=cluster.environment, check=True, stdout=subprocess.DEVNULL
    )
