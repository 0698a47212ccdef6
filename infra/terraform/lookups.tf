# Tables for analysts beside the datasets: small lists of lookups/tables.json, and the rows that Validate put aside.
# CSV with every column as text, since the reader takes an empty value for an error in a column of numbers:
# https://docs.aws.amazon.com/athena/latest/ug/csv-serde.html
# The local deployment makes the same (local/lookups.py).

locals {
  lookup_tables = jsondecode(file("${path.module}/lookups/tables.json"))
  lookup_rows = {
    constituents = csvdecode(file(var.constituents_file))
    closing_days = csvdecode(file("${path.module}/lookups/closing_days.csv"))
  }

  # The table's columns only, in its order, every value in quotes: a list of the user's own needs no more than the
  # pipeline does. The reader ends a row at every line's end, quoted or not.
  lookup_csv = { for name, table in local.lookup_tables : name => join("", [
    for row in concat([{ for column in table.columns : column.name => column.name }], local.lookup_rows[name]) :
    "${join(",", [for column in table.columns : "\"${replace(trimspace(replace(try(row[column.name], ""), "/\\s+/", " ")), "\"", "\"\"")}\""])}\n"
  ]) }

  csv_tables = merge(
    { for name, table in local.lookup_tables : name => merge(table, {
      location = "s3://${local.names.artifacts_bucket}/config/tables/${name}/"
    }) },
    { for name, contract in local.contracts : "quarantine_${name}" => {
      description = "Rows of ${name} that Validate put aside, once for each execution that did"
      location    = "s3://${local.names.raw_bucket}/quarantine/${name}/"
      columns = concat(
        [{ name = "dt", description = "Day, YYYY-MM-DD" }],
        [for column in contract.columns : { name = column.name, description = column.description }],
        [{ name = "reason", description = "Rule that the row broke" }],
      )
    } },
  )
}

resource "aws_s3_object" "lookup" {
  for_each = local.lookup_csv

  bucket       = aws_s3_bucket.this["artifacts"].id
  key          = "config/tables/${each.key}/${each.key}.csv"
  content      = each.value
  content_type = "text/csv"

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_glue_catalog_table" "csv" {
  for_each = local.csv_tables

  database_name = aws_glue_catalog_database.lake.name
  name          = each.key
  description   = each.value.description
  table_type    = "EXTERNAL_TABLE"

  parameters = {
    EXTERNAL                 = "TRUE"
    classification           = "csv"
    "skip.header.line.count" = "1"
  }

  storage_descriptor {
    location      = each.value.location
    input_format  = "org.apache.hadoop.mapred.TextInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
      parameters            = { separatorChar = ",", quoteChar = "\"" }
    }

    dynamic "columns" {
      for_each = each.value.columns
      content {
        name    = columns.value.name
        type    = "string"
        comment = columns.value.description
      }
    }
  }
}
