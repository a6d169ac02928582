"""The process of one Spark session or batch, with nothing but the standard library, pyspark and ipykernel."""
