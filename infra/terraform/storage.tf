# Five buckets. None is public, none answers plain HTTP, all encrypt at rest with S3's own keys.
# A customer-managed KMS key would cost $1 a month and $0.03 per 10,000 requests, as much as the rest of the storage,
# to guard public market data. So SSE-S3 is used.

locals {
  buckets = merge(
    {
      raw       = local.names.raw_bucket
      clean     = local.names.clean_bucket
      results   = local.names.results_bucket
      artifacts = local.names.artifacts_bucket
    },
    var.trail_enabled ? { trail = local.names.trail_bucket } : {},
  )

  # Old versions protect what cannot be had again: raw data as it was received, the lake, the configuration in force,
  # the audit trail. A query's result can be had again and lives for a day.
  versioned_buckets = toset([for name in keys(local.buckets) : name if name != "results"])
}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: CloudTrail and the execution history say who did what; access logs would double the requests
  # checkov:skip=CKV_AWS_144: the data can be fetched again from its public source; a second region would double the cost
  # checkov:skip=CKV_AWS_145: SSE-S3 is chosen over a customer key, see the head of this file
  # checkov:skip=CKV_AWS_21: versioning is below, for all buckets but the results
  # checkov:skip=CKV2_AWS_61: lifecycle rules are in lifecycle.tf, one configuration a bucket
  # checkov:skip=CKV2_AWS_62: nothing has to happen on an object's arrival, the state machine drives everything
  for_each = local.buckets

  bucket        = each.value
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket                  = each.value.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = local.versioned_buckets

  bucket = aws_s3_bucket.this[each.key].id

  versioning_configuration {
    status = "Enabled"
  }
}

# The policies on buckets, queue and topic refuse plain HTTP to everybody for every action, which is what the * in a Deny
# says. Loopback addresses are left out: no request comes to the real AWS from one, and the emulator speaks HTTP.
resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id
  policy = templatefile("${path.module}/policies/resources/${each.key == "trail" ? "trail_bucket" : "bucket"}.json.tftpl", merge(local.template, {
    bucket    = each.value.id
    trail_arn = local.trail_arn
  }))

  # Both calls change the bucket's policy status; S3 refuses them at the same moment.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

# The symbols files in force. Functions read them here, so that a list of the user's own needs no new package.
resource "aws_s3_object" "symbols" {
  for_each = local.symbols_files

  bucket       = aws_s3_bucket.this["artifacts"].id
  key          = "config/${each.key}"
  source       = each.value
  source_hash  = filemd5(each.value)
  content_type = "text/csv"

  depends_on = [aws_s3_bucket_versioning.this]
}
