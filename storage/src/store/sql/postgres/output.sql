SELECT bytes, rows, segment, began_at FROM outputs WHERE path = $1
