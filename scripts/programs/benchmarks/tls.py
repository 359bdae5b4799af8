"""TLS between the generator and a server, whose certificate is made for one run."""

import ssl
import subprocess
from pathlib import Path

from zchat.admin.commands.certificates import CERTIFICATE, KEY


def make_certificate(zchat_admin: Path, host: str, folder: Path) -> tuple[Path, Path]:
    """Paths of a certificate that signs itself, and of its key."""
    subprocess.run(  # noqa: S603 - Nothing in it is anybody's input.
        [zchat_admin, "tls", "self-signed", "--host", host, "--folder", folder],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder / CERTIFICATE, folder / KEY


def context_for(certificate: Path | None) -> ssl.SSLContext | None:
    """For clients that trust this certificate and no other; None to speak without TLS."""
    if certificate is None:
        return None
    context = ssl.create_default_context(cafile=certificate)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context
