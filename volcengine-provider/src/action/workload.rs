//! Workload identities, and the tokens by which they act (trusted identity propagation, "TIP").

use secrecy::SecretString;

use super::{answer, object, request};

request! {
    /// A workload's own token.
    GetWorkloadAccessToken -> WorkloadAccessToken, Repeatable {
        ;
        audience: Vec<String> = "Audience",
        duration_seconds: u64 = "DurationSeconds",
        name: String = "Name",
        workload_pool_name: String = "WorkloadPoolName",
    }
}

request! {
    /// A token of a workload that acts for the user of `user_token`: an ID token, or the token of the
    /// workload that called. Without a name the service takes the caller's role.
    GetWorkloadAccessTokenForJWT -> WorkloadAccessToken, Repeatable {
        user_token: SecretString = "UserToken";
        audience: Vec<String> = "Audience",
        duration_seconds: u64 = "DurationSeconds",
        name: String = "Name",
        workload_pool_name: String = "WorkloadPoolName",
    }
}

request! {
    /// A token of a workload that acts for a user it names.
    GetWorkloadAccessTokenForUserId -> WorkloadAccessToken, Repeatable {
        user_id: String = "UserId";
        audience: Vec<String> = "Audience",
        duration_seconds: u64 = "DurationSeconds",
        name: String = "Name",
        workload_pool_name: String = "WorkloadPoolName",
    }
}

answer! {
    /// A workload's token.
    WorkloadAccessToken {
        expires_at: String = "ExpiresAt",
        workload_access_token: SecretString = "WorkloadAccessToken";
    }
}

object! {
    /// A name and its values.
    KeyValues {
        key: String = "Key",
        values: Vec<String> = "Values",
    }
}

object! {
    /// A name and its value.
    KeyValue {
        key: String = "Key",
        value: String = "Value",
    }
}

request! {
    /// Creates a workload identity; of category `Agent` for an agent.
    CreateWorkloadIdentity -> WorkloadIdentity, Once {
        name: String = "Name";
        allowed_resource_oauth2_return_urls: Vec<String> = "AllowedResourceOauth2ReturnUrls",
        category: String = "Category",
        description: String = "Description",
        meta_data: Vec<KeyValues> = "MetaData",
        workload_pool_name: String = "WorkloadPoolName",
    }
}

request! {
    /// A workload identity.
    GetWorkloadIdentity -> WorkloadIdentity, Repeatable {
        name: String = "Name";
        workload_pool_name: String = "WorkloadPoolName",
    }
}

request! {
    /// Changes a workload identity; a list given replaces the one there.
    UpdateWorkloadIdentity -> super::sts::Nothing, Once {
        name: String = "Name";
        allowed_resource_oauth2_return_urls: Vec<String> = "AllowedResourceOauth2ReturnUrls",
        description: String = "Description",
        meta_data: Vec<KeyValues> = "MetaData",
        meta_data_update_mode: String = "MetaDataUpdateMode",
        workload_pool_name: String = "WorkloadPoolName",
    }
}

request! {
    /// A page of workload identities; at most 100 a page, counted from 1.
    ListWorkloadIdentities -> WorkloadIdentities, Repeatable {
        page_number: u64 = "PageNumber", page_size: u64 = "PageSize";
        category: String = "Category",
        name: String = "Name",
        sort_by: String = "SortBy",
        sort_order: String = "SortOrder",
        source: String = "Source",
        trn: String = "Trn",
        workload_pool_name: String = "WorkloadPoolName",
    }
}

answer! {
    /// A workload identity.
    WorkloadIdentity {
        category: String = "Category",
        created_at: String = "CreatedAt",
        description: String = "Description",
        name: String = "Name",
        source: String = "Source",
        trn: String = "Trn",
        updated_at: String = "UpdatedAt",
        workload_pool_name: String = "WorkloadPoolName";
        allowed_resource_oauth2_return_urls: String = "AllowedResourceOauth2ReturnUrls",
        meta_data: KeyValues = "MetaData",
    }
}

answer! {
    /// A page of workload identities.
    WorkloadIdentities {
        page_number: u64 = "PageNumber",
        page_size: u64 = "PageSize",
        total_count: u64 = "TotalCount" by "crate::wire::lenient_amount";
        workload_identities: WorkloadIdentity = "WorkloadIdentities",
    }
}

request! {
    /// A workload pool, by id or name.
    GetWorkloadPool -> WorkloadPool, Repeatable {
        ;
        workload_pool_id: String = "WorkloadPoolId",
        workload_pool_name: String = "WorkloadPoolName",
    }
}

answer! {
    /// A workload pool; `discovery_url` is where the issuer of its tokens says how to check them.
    WorkloadPool {
        allow_auto_create_identity: bool = "AllowAutoCreateIdentity",
        created_at: String = "CreatedAt",
        description: String = "Description",
        discovery_url: String = "DiscoveryUrl",
        project_name: String = "ProjectName",
        total_credentials: u64 = "TotalCredentials",
        total_workloads: u64 = "TotalWorkloads",
        trn: String = "Trn",
        updated_at: String = "UpdatedAt",
        url: String = "Url",
        workload_pool_id: String = "WorkloadPoolId",
        workload_pool_name: String = "WorkloadPoolName";
        tags: KeyValue = "Tags",
        trust_anchors: String = "TrustAnchors",
    }
}
