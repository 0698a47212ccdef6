# The six functions, all from functions.json. Their zips are made by `make package`, which writes packages.json beside
# them: which machine and Python they are for. A bundle is over the 50 MB of a direct upload, so all go through S3.

locals {
  packages_file = "${var.package_dir}/packages.json"
  packages      = fileexists(local.packages_file) ? jsondecode(file(local.packages_file)) : null
  zips          = { for name in keys(local.functions) : name => "${var.package_dir}/${name}.zip" }

  environment = jsondecode(templatefile("${local.root}/functions/functions.json", local.template)).environment
}

resource "aws_s3_object" "package" {
  for_each = local.functions

  bucket = aws_s3_bucket.this["artifacts"].id
  key    = "functions/${each.key}/${filesha256(local.zips[each.key])}.zip"
  source = local.zips[each.key]

  depends_on = [aws_s3_bucket_versioning.this]

  lifecycle {
    # The new zip is there before the function changes over, and the old one goes after.
    create_before_destroy = true

    precondition {
      condition     = local.packages != null && fileexists(local.tables_file) && alltrue([for zip in values(local.zips) : fileexists(zip)])
      error_message = "There are no packages in ${var.package_dir}: run `make package` first (`make deploy` does)."
    }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  # checkov:skip=CKV_AWS_158: CloudWatch encrypts logs by itself; a customer key costs $1 a month for public data
  # checkov:skip=CKV_AWS_338: retention is a variable; a year of logs of a run that can be repeated is not worth keeping
  for_each = local.functions

  name              = "/aws/lambda/${local.function_names[each.key]}"
  retention_in_days = var.log_retention_days
}

resource "aws_lambda_function" "this" {
  # checkov:skip=CKV_AWS_115: reserving concurrency takes it from the account's other functions; the Map state bounds ours
  # checkov:skip=CKV_AWS_116: invoked synchronously by the state machine, which catches errors and sends to the queue itself
  # checkov:skip=CKV_AWS_117: reads public sources and AWS APIs only; a VPC would need a NAT gateway at $35 a month
  # checkov:skip=CKV_AWS_173: the environment holds names and public addresses, no secrets
  # checkov:skip=CKV_AWS_272: the zips' hashes are in the plan and in their keys; a signing profile would add a second list
  for_each = local.functions

  function_name = local.function_names[each.key]
  description   = each.value.description
  role          = aws_iam_role.this[each.key].arn
  handler       = each.value.handler
  runtime       = var.lambda_runtime
  architectures = [local.packages.architecture]
  memory_size   = local.memory_mb[each.key]
  timeout       = each.value.timeout_seconds

  s3_bucket        = aws_s3_object.package[each.key].bucket
  s3_key           = aws_s3_object.package[each.key].key
  source_code_hash = filebase64sha256(local.zips[each.key])

  environment {
    variables = { for name in each.value.environment : name => local.environment[name] }
  }

  tracing_config {
    mode = "Active"
  }

  lifecycle {
    precondition {
      condition     = !startswith(var.lambda_runtime, "python") || var.lambda_runtime == "python${local.packages.python}"
      error_message = "The packages are for Python ${local.packages.python}, lambda_runtime is ${var.lambda_runtime}: run `make package` for that Python, or set lambda_runtime."
    }
  }

  # Logs would otherwise be made by Lambda itself at the first call, without retention; and a function that is called
  # before its policy is there fails.
  depends_on = [aws_cloudwatch_log_group.function, aws_iam_role_policy.this]
}
