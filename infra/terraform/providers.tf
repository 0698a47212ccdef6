provider "aws" {
  region = var.region

  default_tags {
    tags = merge({ Project = "marketlake", Stack = var.prefix, ManagedBy = "terraform" }, var.tags)
  }

  # The emulator answers every service at one address, and buckets by path, since it has no DNS of its own.
  # Credentials come from the environment there as anywhere else.
  s3_use_path_style           = local.on_emulator
  skip_credentials_validation = local.on_emulator
  skip_metadata_api_check     = local.on_emulator
  skip_region_validation      = local.on_emulator

  dynamic "endpoints" {
    for_each = local.on_emulator ? [var.local_endpoint] : []
    content {
      athena         = endpoints.value
      budgets        = endpoints.value
      cloudtrail     = endpoints.value
      cloudwatch     = endpoints.value
      cloudwatchlogs = endpoints.value
      events         = endpoints.value
      glue           = endpoints.value
      iam            = endpoints.value
      lambda         = endpoints.value
      quicksight     = endpoints.value
      s3             = endpoints.value
      scheduler      = endpoints.value
      sfn            = endpoints.value
      sns            = endpoints.value
      sqs            = endpoints.value
      sts            = endpoints.value
    }
  }
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}
