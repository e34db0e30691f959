SELECT bytes, rows FROM outputs WHERE path = $1
