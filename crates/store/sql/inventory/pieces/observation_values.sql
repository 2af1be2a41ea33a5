        :policy_types::text[], :external_ids::text[], :names::text[], :categories::text[],
        :platforms::text[], :foundations::boolean[], :scope_tags::text[],
        :assignment_counts::integer[], :metadata::jsonb[], :content_hashes::bytea[],
        :assignments_hashes::bytea[], :object_links::bytea[], :assignment_links::bytea[],
        :related_links::bytea[],
        :values_hashes::bytea[], :values_marks::bytea[]
