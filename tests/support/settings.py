"""The settings of the functions, as a deployment gives them in the environment."""

from __future__ import annotations

# Of a run's functions; what a deployment made is added: the key, the state machine, the queue
DEPLOYED = {
    "ACCOUNT_TABLE": "accounts",
    "RUN_TABLE": "runs",
    "RUN_BUCKET": "run-files",
    "HOME_BUCKET": "homes",
    "HOME_ROLE_ARN": "arn:aws:iam::111122223333:role/home",
    "RUN_RETENTION_DAYS": "400",
    "PRIVATE_ASM_HOSTS": "True",
    "CIRCUIT_FAILURES": "3",
    "CIRCUIT_OPEN_SECONDS": "300",
    "CIRCUIT_LONGEST_SECONDS": "3600",
    "HOLD_DAYS": "7",
    "SIGN_IN_THRESHOLD": "15",
    "SIGN_IN_WINDOW_MINUTES": "30",
    "BAN_MINUTES": "30",
    "UPLOADS_PER_DAY": "100",
    "UPLOAD_BYTES_PER_DAY": "10000000000",
    "MAX_UPLOAD_BYTES": "2000000000",
    "DRY_RUN_FUNCTION": "arn:aws:lambda:eu-west-1:111122223333:function:dry-run:live",
    "DRY_RUNS_PER_DAY": "100",
    "MAX_DRY_RUN_BYTES": "600000000",
    "NOTIFY_BY": "ses",
    "NOTIFY_FROM": "rosterbridge@example.org",
}
