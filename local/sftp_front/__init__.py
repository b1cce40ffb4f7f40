"""Transfer Family on this machine: an SFTP server in front of the embedded AWS."""
