#!/bin/sh
# Appends what was posted to a file on the shared disk, and says so only when it is on the disk.
read -r line
file=../journal
printf '%s\n' "$line" >> "$file" && sync -d "$file" || {
    printf 'Status: 500 Failed\r\nContent-Type: text/plain\r\n\r\nnot written\n'
    exit 1
}
printf 'Content-Type: text/plain\r\n\r\nwritten %s %s\n' "$line" "$(hostname)"
