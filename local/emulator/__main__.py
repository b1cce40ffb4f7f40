"""Start the embedded AWS on loopback: ``python -m local.emulator --port 4566 --state DIR --region eu-west-1``."""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path


def _configure(port: int, state: Path, region: str, tls: tuple[Path, Path] | None) -> None:
    """Set what MiniStack reads from its environment at import; its stock defaults bind 0.0.0.0."""
    scratch = state / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)  # what killed functions left, uploads among it
    scratch.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": region,
            "MINISTACK_REGION": region,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_EXECUTOR": "local",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(state / "s3"),
            "DOCKER_HOST": "unix:///nonexistent",
            "TMPDIR": str(scratch),
            "LOG_LEVEL": os.environ.get("LOG_LEVEL", "WARNING"),
        }
    )
    os.environ.update(_enforced_over_tls(port, *tls) if tls else {})
    # by SMTP_HOST, an invitation of the local user pool would leave this machine
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "SMTP_HOST", *(() if tls else ("AWS_CA_BUNDLE",))):
        os.environ.pop(name, None)


def _enforced_over_tls(port: int, certificate: Path, key: Path) -> dict[str, str]:
    """Return what lets MiniStack enforce IAM; over TLS, since our buckets and queues deny whatever comes without."""
    return {
        "AUTH": "true",
        "USE_SSL": "1",
        "MINISTACK_SSL_CERT": str(certificate),
        "MINISTACK_SSL_KEY": str(key),
        "AWS_ENDPOINT_URL": f"https://127.0.0.1:{port}",
        "AWS_CA_BUNDLE": str(certificate),
        "SSL_CERT_FILE": str(certificate),  # it fetches the keys of its own user pools
    }


def main() -> None:
    """Configure, correct and serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--region", default="eu-west-1")
    parser.add_argument("--flush-seconds", type=float, default=10)
    parser.add_argument(
        "--sftp-host-key", type=Path, help="private key of the SFTP front, which DescribeServer tells of"
    )
    parser.add_argument("--certificate", type=Path, help="of the server: then it speaks TLS and enforces IAM")
    parser.add_argument("--key", type=Path, help="private key of the certificate")
    parser.add_argument("--decisions", type=Path, help="file in which decisions about roles are noted")
    arguments = parser.parse_args()
    enforced = arguments.certificate is not None
    tls = (arguments.certificate.resolve(), arguments.key.resolve()) if enforced else None
    _configure(arguments.port, arguments.state.resolve(), arguments.region, tls)

    import sys

    # after the environment: MiniStack reads it at import
    from local.emulator import cognito_steps, cognito_users, corrections, http_api, iam_conditions, iam_roles

    corrections.apply(arguments.flush_seconds, arguments.sftp_host_key)
    for service in (cognito_steps, cognito_users, http_api):
        service.apply()
    if enforced:
        iam_conditions.apply()
        iam_roles.apply(arguments.decisions)
    sys.argv = sys.argv[:1]  # MiniStack parses the command line itself
    from ministack.app import main as serve

    serve()


if __name__ == "__main__":
    main()
