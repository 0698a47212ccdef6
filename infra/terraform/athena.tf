# Result reuse is asked for by each query (ResultReuseConfiguration, or the switch in Athena's editor): a workgroup can
# neither set nor enforce it. Results live for results_expire_days, and can be reused that long.

resource "aws_athena_workgroup" "this" {
  name          = local.names.workgroup
  description   = "marketlake: the pipeline's checks and the analysts' queries"
  force_destroy = var.force_destroy

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.athena_bytes_cutoff

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location       = "s3://${aws_s3_bucket.this["results"].id}/"
      expected_bucket_owner = local.account_id

      # SSE-S3, as the whole lake: see storage.tf.
      encryption_configuration {
        encryption_option = "SSE_S3"
      }
    }
  }
}

# Saved queries lie in assets/queries, with what they are in leading comments:
#   -- name: latest_prices
#   -- description: Last close of every ticker
#   -- parameters: start, end         (only where the text has question marks, in their order)
#   -- start: date, such as 2022-12-01
# Each is a named query, which the editor lists and asks for the parameters of, comments and all; those with parameters
# are prepared statements too, for EXECUTE.
locals {
  query_texts = { for path in fileset("${local.root}/assets/queries", "*.sql") : trimsuffix(path, ".sql") => file("${local.root}/assets/queries/${path}") }

  queries = {
    for file, text in local.query_texts : file => {
      name        = try(trimspace(regex("(?m)^-- name:(.*)$", text)[0]), file)
      description = try(trimspace(regex("(?m)^-- description:(.*)$", text)[0]), "")
      parameters  = try(trimspace(regex("(?m)^-- parameters:(.*)$", text)[0]), "")
      text        = trimspace(text)
      statement   = trimspace(join("\n", [for line in split("\n", text) : line if !startswith(line, "-- ")]))
    }
  }

  prepared = {
    for file, query in local.queries : file => {
      name        = query.name
      description = "${query.description} (parameters: ${query.parameters})"
      statement   = query.statement
    } if query.parameters != ""
  }
}

resource "aws_athena_named_query" "saved" {
  for_each = local.queries

  name        = each.value.name
  description = each.value.description
  workgroup   = aws_athena_workgroup.this.id
  database    = aws_glue_catalog_database.lake.name
  query       = each.value.text
}

# UpdatePreparedStatement wants the statement (botocore's model of Athena), and the provider sends only what changed
# (internal/service/athena/prepared_statement.go), so a description alone could never be changed: a statement is made anew.
resource "terraform_data" "prepared" {
  for_each = local.prepared

  input = sha256(jsonencode(each.value))
}

resource "aws_athena_prepared_statement" "saved" {
  for_each = local.prepared

  name            = replace(each.value.name, "-", "_")
  description     = each.value.description
  workgroup       = aws_athena_workgroup.this.id
  query_statement = each.value.statement

  lifecycle {
    replace_triggered_by = [terraform_data.prepared[each.key]]
  }
}
