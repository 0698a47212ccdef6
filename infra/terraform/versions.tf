terraform {
  # 1.11: a lock file in S3 (use_lockfile) needs no DynamoDB table; 1.9: a validation may look at other variables.
  required_version = ">= 1.11"

  # Which version exactly, with its checksums, is in .terraform.lock.hcl: 5.100.0, with which the tests apply, change and
  # destroy the configuration. Nothing that version 6 changed or removed is used here, by its upgrade guide, but no test
  # has run with it: `terraform init -upgrade` takes it, and state that it wrote is not for version 5 any more.
  # https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/version-6-upgrade
  #
  # The zh: checksums are those of HashiCorp's signed list, of the zips of all platforms; h1: is that of linux_amd64 unpacked,
  # for a mirror. `terraform providers lock` adds the h1: of other platforms, for mirrors there.
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  # State is a local file unless backend.tf.example is copied to backend.tf: see there.
}
