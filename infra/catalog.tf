# One table a contract. Partitions are projected from the contract's first date to today, so that no crawler and no
# ADD PARTITION is needed, and a day is there as soon as its object is.
# https://docs.aws.amazon.com/athena/latest/ug/partition-projection.html
#
# The range ends a day after NOW, since NOW is UTC and a day begins earlier in London's summer and in Frankfurt: a day
# too many is one look at an empty folder, a day too few would hide rows. The string type of dt is what makes
# `dt >= '2024-01-01'` work as it is written in the path.
# A query without a condition on dt asks S3 about every day since the first; the saved queries all have one.

resource "aws_glue_catalog_database" "lake" {
  name        = local.names.database
  description = "marketlake: daily market data"
}

resource "aws_glue_catalog_table" "dataset" {
  for_each = local.contracts

  database_name = aws_glue_catalog_database.lake.name
  name          = each.key
  description   = each.value.description
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                      = "TRUE"
    classification                = "parquet"
    "projection.enabled"          = "true"
    "projection.dt.type"          = "date"
    "projection.dt.format"        = "yyyy-MM-dd"
    "projection.dt.range"         = "${each.value.first_date},NOW+1DAYS"
    "projection.dt.interval"      = "1"
    "projection.dt.interval.unit" = "DAYS"
    "storage.location.template"   = "s3://${local.names.clean_bucket}/clean/${each.key}/dt=$${dt}/"
  }

  partition_keys {
    name    = "dt"
    type    = "string"
    comment = "Day, YYYY-MM-DD; in the path only"
  }

  storage_descriptor {
    location      = "s3://${local.names.clean_bucket}/clean/${each.key}/"
    input_format  = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    }

    dynamic "columns" {
      for_each = each.value.columns
      content {
        name    = columns.value.name
        type    = columns.value.type
        comment = columns.value.description
      }
    }
  }
}
