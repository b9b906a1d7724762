"""Delta: names to paths, schemas, the writer, the Spark data source, SQL, upkeep. Only this room writes Delta."""
