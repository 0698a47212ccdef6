# How the buckets shrink. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
#
# Small objects: by default S3 moves no object under 128 KB, because Glacier Instant Retrieval bills each as 128 KB and
# $0.02 per 1,000 moves. A day of ours is about 10 KB. So the choice is between rules that never do anything and a
# little money: one year of two datasets is 500 objects, so moving them all costs a cent once and $0.0003 a month
# against $0.0001 in Standard; ten years, ten times that. What was asked for is that clean data goes to Glacier, so the
# default moves everything (a size filter on the rule overrides S3's default) and clean_transition_min_bytes = 131072
# restores S3's default. transition_default_minimum_object_size is set as well, so that the choice is visible.
#
# Versioned buckets: an expiry only hides the current version behind a delete marker. The noncurrent rule deletes the
# bytes, and the same rule's expiry then clears a delete marker that has nothing behind it.
#
# The tables by year and the markers are the archive, which no rule removes by default. Their old versions are what
# `marketlake restore` has to choose from when a year's object was lost or damaged: 30 days, because that may be seen at
# the end of a month only. A run rewrites the current year of three datasets, 0.75 MB: 30 days are $0.0004 a month.
#
# The corporate actions (actions/) are one object a dataset, written over and over: no rule removes it.
#
# Removal a full 90 days after the move to Glacier Instant Retrieval (180 against 90) avoids its early-deletion fee.

locals {
  # A marker is written minutes after its year's object, which can be the next day by UTC, and S3 removes at midnight
  # UTC (https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html). Years stay a day longer, so
  # that no marker is left of a day that its year does not hold: the audit would report it.
  history_rules = var.history_expire_days == 0 ? [] : [
    { id = "expire-markers", prefix = "markers/", days = var.history_expire_days },
    { id = "expire-years", prefix = "by_year/", days = var.history_expire_days + 1 },
  ]

  # Bucket, rule id, prefix, days until removal. An empty prefix is the whole bucket.
  expiry_rules = {
    raw = [
      { id = "expire-raw", prefix = "", days = var.raw_expire_days },
    ]
    clean = concat(local.history_rules, [
      { id = "expire-clean", prefix = "clean/", days = var.clean_expire_days },
      { id = "expire-reports", prefix = "reports/", days = var.clean_expire_days },
      { id = "expire-claims", prefix = "claims/", days = var.manifest_expire_days },
      { id = "expire-manifests", prefix = "manifests/", days = var.manifest_expire_days },
    ])
    results = [
      { id = "expire-results", prefix = "", days = var.results_expire_days },
    ]
    artifacts = [] # the zips and lists in force stay until they are replaced
    trail = [
      { id = "expire-trail", prefix = "", days = var.trail_expire_days },
    ]
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket                                 = each.value.id
  transition_default_minimum_object_size = "all_storage_classes_128K"

  dynamic "rule" {
    for_each = local.expiry_rules[each.key]
    content {
      id     = rule.value.id
      status = "Enabled"

      filter {
        prefix = rule.value.prefix
      }

      expiration {
        days = rule.value.days
      }
    }
  }

  # A rule of its own, since its size filter must not keep small objects from being removed.
  dynamic "rule" {
    for_each = each.key == "clean" ? ["transition-clean"] : []
    content {
      id     = rule.value
      status = "Enabled"

      filter {
        and {
          prefix                   = "clean/"
          object_size_greater_than = var.clean_transition_min_bytes
        }
      }

      transition {
        days          = var.clean_transition_days
        storage_class = var.clean_storage_class
      }
    }
  }

  rule {
    id     = "clean-up"
    status = "Enabled"

    filter {
      prefix = ""
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }

    dynamic "noncurrent_version_expiration" {
      for_each = contains(local.versioned_buckets, each.key) ? [var.noncurrent_expire_days] : []
      content {
        noncurrent_days = noncurrent_version_expiration.value
      }
    }
  }

  # Rules on noncurrent versions want versioning first.
  depends_on = [aws_s3_bucket_versioning.this]
}
