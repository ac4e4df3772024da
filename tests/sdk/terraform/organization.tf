# An organization of the caller's account, two units, an account, and policies on them.

resource "aws_organizations_organization" "ours" {
  aws_service_access_principals = var.changed ? ["cloudtrail.amazonaws.com"] : ["cloudtrail.amazonaws.com", "config.amazonaws.com"]
  enabled_policy_types          = var.changed ? ["SERVICE_CONTROL_POLICY", "TAG_POLICY"] : ["SERVICE_CONTROL_POLICY"]
}

resource "aws_organizations_organizational_unit" "upper" {
  name      = var.changed ? "higher" : "upper"
  parent_id = aws_organizations_organization.ours.roots[0].id
  tags      = { team = var.changed ? "b" : "a" }
}

resource "aws_organizations_organizational_unit" "lower" {
  name      = "lower"
  parent_id = aws_organizations_organizational_unit.upper.id
}

resource "aws_organizations_account" "dev" {
  name      = "tf-dev"
  email     = "tf-dev@example.com"
  parent_id = var.changed ? aws_organizations_organizational_unit.lower.id : aws_organizations_organizational_unit.upper.id
  tags      = { team = var.changed ? "b" : "a" }
}

resource "aws_organizations_policy" "bound" {
  name        = var.changed ? "tf-bound" : "tf-limit"
  description = var.changed ? "" : "what member accounts may"
  tags        = { team = var.changed ? "b" : "a" }
  content = jsonencode({
    Version   = "2012-10-17"
    Statement = { Effect = "Allow", Action = var.changed ? "s3:*" : "*", Resource = "*" }
  })
  depends_on = [aws_organizations_organization.ours]
}

resource "aws_organizations_policy_attachment" "unit" {
  policy_id = aws_organizations_policy.bound.id
  target_id = aws_organizations_organizational_unit.upper.id
}

resource "aws_organizations_policy_attachment" "account" {
  policy_id = aws_organizations_policy.bound.id
  target_id = aws_organizations_account.dev.id
}

resource "aws_organizations_delegated_administrator" "trails" {
  account_id        = aws_organizations_account.dev.id
  service_principal = "cloudtrail.amazonaws.com"
}

data "aws_organizations_organizational_unit_descendant_accounts" "all" {
  parent_id  = aws_organizations_organization.ours.roots[0].id
  depends_on = [aws_organizations_account.dev]
}

data "aws_organizations_delegated_services" "dev" {
  account_id = aws_organizations_account.dev.id
  depends_on = [aws_organizations_delegated_administrator.trails]
}

data "aws_organizations_policies_for_target" "unit" {
  filter     = "SERVICE_CONTROL_POLICY"
  target_id  = aws_organizations_organizational_unit.upper.id
  depends_on = [aws_organizations_policy_attachment.unit]
}
