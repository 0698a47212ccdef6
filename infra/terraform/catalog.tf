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

locals {
  # Each dataset twice: by day, as the contract says, and by year, the same rows for questions about many days
  # (docs/decisions/0008). infra/local/tables.py makes the same.
  dataset_tables = merge(
    { for name, contract in local.contracts : name => {
      description = contract.description
      prefix      = "clean/${name}/"
      key         = { name = "dt", comment = "Day, YYYY-MM-DD; in the path only" }
      projection  = { format = "yyyy-MM-dd", range = "${contract.first_date},NOW+1DAYS", unit = "DAYS" }
      columns     = contract.columns
    } },
    { for name, contract in local.contracts : "${name}_by_year" => {
      description = "${contract.description} The same rows as ${name}, by year: for questions about many days."
      prefix      = "by_year/${name}/"
      key         = { name = "year", comment = "Year, YYYY; in the path only" }
      projection  = { format = "yyyy", range = "${substr(contract.first_date, 0, 4)},NOW+1DAYS", unit = "YEARS" }
      columns     = concat([{ name = "dt", type = "string", description = "Day, YYYY-MM-DD" }], contract.columns)
    } },
  )
}

resource "aws_glue_catalog_table" "dataset" {
  for_each = local.dataset_tables

  database_name = aws_glue_catalog_database.lake.name
  name          = each.key
  description   = each.value.description
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                                          = "TRUE"
    classification                                    = "parquet"
    "projection.enabled"                              = "true"
    "projection.${each.value.key.name}.type"          = "date"
    "projection.${each.value.key.name}.format"        = each.value.projection.format
    "projection.${each.value.key.name}.range"         = each.value.projection.range
    "projection.${each.value.key.name}.interval"      = "1"
    "projection.${each.value.key.name}.interval.unit" = each.value.projection.unit
    "storage.location.template"                       = "s3://${local.names.clean_bucket}/${each.value.prefix}${each.value.key.name}=$${${each.value.key.name}}/"
  }

  partition_keys {
    name    = each.value.key.name
    type    = "string"
    comment = each.value.key.comment
  }

  storage_descriptor {
    location      = "s3://${local.names.clean_bucket}/${each.value.prefix}"
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
