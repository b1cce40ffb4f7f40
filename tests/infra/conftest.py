import json
from pathlib import Path

import pytest

from infra import build
from local.deploy import WITHOUT_VALIDATION
from tests.infra.assembly import UNCOPIED, Assembly, Template
from tests.infra.offline import ROOT, Offline

CDK = ROOT / "node_modules" / ".bin" / "cdk"
# Everything that is off by default
BROWSER = {
    "second_factor": "optional",
    "console_domain": "rosters.district.example",
    "console_certificate": "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-4e5f",
    "console_origin": "https://console.example",
    "console_callback_urls": ["https://console.example/signed-in"],
    "sign_in_domain": "district-rosters",
    "identity_provider": "District",
    "oidc_issuer": "https://id.district.example",
    "oidc_client_id": "rosterbridge",
    "oidc_client_secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:district-AbCdEf",
    "sftp_host": "upload.district.example",
    "sftp_host_per_account": True,
    "hosted_zone_id": "Z0123456789ABCDEFGHIJ",
    "hosted_zone_name": "district.example",
    "sftp_endpoint": "vpc",
    "sftp_banner": "",
    "host_key_secret": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:host-keys-AbCdEf",
    "fixed_egress": True,
    "private_asm_hosts": True,
    "apple_connections": 50,
    "large_packages": True,
    "alarm_emails": ["operator@district.example"],
}
LOCAL = {
    "stage": "local",
    "local": True,
    "forward_retry_seconds": 1,
    "forward_retry_rate": 2,
    "console_origin": "http://127.0.0.1:8080",
    "console_callback_urls": ["http://127.0.0.1:8080/"],
}


@pytest.fixture(scope="session")
def layers() -> dict[str, Path]:
    """The builds of the layers, beside that of the console, which synth packs too."""
    build.build_console()
    return build.build_layers()


@pytest.fixture(scope="session")
def host_layers() -> dict[str, Path]:
    return build.build_layers(build.HOST)


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Offline:
    return Offline(tmp_path_factory.mktemp("offline"))


@pytest.fixture(scope="session")
def assembly(layers: dict[str, Path], offline: Offline, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """What the CDK CLI makes of the project with its defaults, without credentials and without network."""
    folder = tmp_path_factory.mktemp("assembly") / "cdk.out"
    done = offline.run(str(CDK), "synth", "--quiet", "--output", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return Assembly(folder)


@pytest.fixture(scope="session")
def local_assembly(
    host_layers: dict[str, Path], offline: Offline, tmp_path_factory: pytest.TempPathFactory
) -> Assembly:
    """What ``python app.py`` makes of the project for the embedded AWS."""
    folder = tmp_path_factory.mktemp("local-assembly")
    context = json.dumps(LOCAL)
    done = offline.run("python3", "app.py", CDK_CONTEXT_JSON=context, CDK_OUTDIR=str(folder), **WITHOUT_VALIDATION)
    assert done.returncode == 0, done.stdout + done.stderr
    return Assembly(folder, "local")


@pytest.fixture(scope="session")
def browser_assembly(layers: dict[str, Path], offline: Offline, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """What becomes of a deployment with a web console and a district's own sign-in; cdk-nag checks it too."""
    folder = tmp_path_factory.mktemp("browser-assembly")
    context = json.dumps(BROWSER | UNCOPIED)
    done = offline.run("python3", "app.py", CDK_CONTEXT_JSON=context, CDK_OUTDIR=str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return Assembly(folder)


@pytest.fixture(scope="session")
def data(assembly: Assembly) -> Template:
    return assembly.data


@pytest.fixture(scope="session")
def service(assembly: Assembly) -> Template:
    return assembly.service
