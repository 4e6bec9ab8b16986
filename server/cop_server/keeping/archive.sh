#!/bin/sh
# Keep one piece of PostgreSQL's log, called by PostgreSQL with: path, name, archive folder, kilobytes to leave free.
# Ends with 0 where the piece is kept for good (then PostgreSQL may use its place again), with 1 where it should try again.
#
# The store must not stop because the archive is full or away: PostgreSQL keeps what was not taken, and when that has
# filled its own disk up to the reserve, pieces are let go and named in archive-gaps. The next `cop backup` closes the gap.
segment=$1
name=$2
archive=$3
reserve=$4

free_kb() {
    df -Pk "$1" | awk 'NR == 2 { print $4 }'
}

not_kept() {
    echo "cop archive: $name was not kept: $1" >&2
    if [ "$(free_kb .)" -lt "$reserve" ]; then
        echo "$name" >> ../archive-gaps
        echo "cop archive: $name is given up, for the store's own disk is nearly full; take a backup soon" >&2
        exit 0
    fi
    exit 1
}

[ -d "$archive" ] || not_kept "$archive is not there"
if [ -e "$archive/$name.gz" ]; then
    # After a crash PostgreSQL may hand a piece over twice.
    gzip -dc "$archive/$name.gz" | cmp -s - "$segment" && exit 0
    not_kept "another piece of that name lies in $archive"
fi
[ "$(free_kb "$archive")" -gt "$reserve" ] || not_kept "the disk of $archive is nearly full"

fresh="$archive/.$name.$$"
trap 'rm -f "$fresh"' EXIT
gzip -1 -c "$segment" > "$fresh" && sync "$fresh" && mv "$fresh" "$archive/$name.gz" && sync "$archive" ||
    not_kept "$archive cannot be written"
